import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { lacks } from '../support/needs.ts'
import { ApacheTools } from '../support/tools.ts'
import { BROKER_LINES, GOLDEN, tellStory } from './cluster-story.ts'
import { MixedCluster } from './mixed-cluster.ts'

type Tree = Record<string, unknown>

const once = (entries: unknown[]): unknown[] =>
  entries.filter((entry, index) => index === 0 || JSON.stringify(entry) !== JSON.stringify(entries[index - 1]))

/** Ours notifies of each ACL, Apache's of each resource; and of the settings with which a topic is made, where Apache's brokers read them when they make the log. */
const withoutRepetitions = (tree: Tree): Tree => {
  const same = { ...tree }
  for (const path of ['/config/changes', '/kafka-acl-changes', '/kafka-acl-extended-changes']) {
    if (same[path]) same[path] = once(same[path] as unknown[])
  }
  return same
}

/** Apache's next controller gives a dead leader's partition an epoch without a leader, and then one with the next leader; ours only the latter. */
const EPOCH_MORE: ReadonlySet<string> = new Set(['the controller was killed', 'the end'])
const LED_BY_THE_CONTROLLER = '/brokers/topics/a/partitions/0/state'

const asOurs = (step: string, apache: Tree): Tree => {
  const tree = withoutRepetitions(apache)
  if (step === 'topics') tree['/config/changes'] = [{ version: 2, entity_path: 'topics/a' }]
  if (EPOCH_MORE.has(step)) {
    const state = tree[LED_BY_THE_CONTROLLER] as { leader_epoch: number }
    tree[LED_BY_THE_CONTROLLER] = { ...state, leader_epoch: state.leader_epoch - 1 }
  }
  return tree
}

describe.skipIf(lacks('java', 'maven'))('the life of a cluster', () => {
  test(
    'leaves the same znodes with three of our brokers as with three of Apache\u2019s: three replicas, settings, ACLs, stops and deaths',
    {
      timeout: 120_000,
    },
    async () => {
      const tools = new ApacheTools()
      const cluster = await MixedCluster.start(['ours', 'ours', 'ours'], BROKER_LINES)
      try {
        const story = await tellStory(cluster, 'ours', tools)
        const golden = Object.entries(JSON.parse(readFileSync(GOLDEN, 'utf8')) as Record<string, Tree>)
        expect([...story.keys()]).toEqual(golden.map(([step]) => step))
        for (const [step, apache] of golden) expect(withoutRepetitions(story.get(step) as Tree), step).toEqual(asOurs(step, apache))
      } finally {
        tools.stop()
        await cluster.end()
      }
    },
  )
})
