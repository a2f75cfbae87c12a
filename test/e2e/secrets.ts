import { readdirSync, readFileSync } from 'node:fs'
import type { Kubectl } from './substrate.ts'

type List = { items: { metadata: { namespace: string; name: string }; data?: Record<string, string> }[] }

/** What a Secret of ours holds that is no secret. */
const PUBLIC = /^(username|bootstrap\.servers|sasl\.mechanism|security\.protocol|mechanism|.*\.crt|.*\.bootstrap\.servers)$/
/** Shorter texts are words that stand everywhere. */
const MIN_LENGTH = 16

/** A line of a key stands for the key. */
const needleOf = (text: string): string => (text.startsWith('-----BEGIN') ? (text.split('\n')[1] ?? '') : text)

/** Everything that nobody may read elsewhere: text -> where it stands. */
export const secretTexts = async (kubectl: Kubectl): Promise<Map<string, string>> => {
  const { items } = await kubectl.json<List>('get', 'secrets', '-A')
  const texts = new Map<string, string>()
  for (const { metadata, data = {} } of items) {
    for (const [key, value] of Object.entries(data)) {
      const text = needleOf(Buffer.from(value, 'base64').toString('utf8'))
      if (!PUBLIC.test(key) && text.length >= MIN_LENGTH) texts.set(text, `${metadata.namespace}/${metadata.name} ${key}`)
    }
  }
  return texts
}

/** What people and machines read of a cluster, by where it stands: logs, events, every object but Secrets, the arguments of the processes of this machine. */
export const readableTexts = async (kubectl: Kubectl): Promise<Map<string, string>> => {
  const texts = new Map<string, string>()
  const { items } = await kubectl.json<List>('get', 'pods', '-A')
  for (const { metadata } of items) {
    const args = ['-n', metadata.namespace, metadata.name, '--all-containers']
    texts.set(`the log of ${metadata.name}`, (await kubectl.run(['logs', ...args])).stdout)
    texts.set(`the previous log of ${metadata.name}`, (await kubectl.run(['logs', '--previous', ...args])).stdout)
  }
  for (const kinds of [
    'events',
    'pods,statefulsets,configmaps,services',
    'clusters.sofakafka.io,topics.sofakafka.io,users.sofakafka.io,acls.sofakafka.io',
  ])
    texts.set(kinds, await kubectl.ok(['get', kinds, '-A', '-o', 'json']))
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      texts.set(`the arguments of process ${pid}`, readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
    } catch {
      // It has ended.
    }
  }
  return texts
}
