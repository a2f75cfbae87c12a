import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest'
import { eventually } from '../support/net.ts'
import { Load, Place } from './load.ts'
import { missing, type PlaceName } from './places.ts'
import type { Substrate } from './substrate.ts'

const topic = (name: string, partitions: number, replicas: number): string => `apiVersion: sofakafka.io/v1beta1
kind: Topic
metadata: {name: ${name}}
spec: {clusterRef: {name: quickstart}, partitions: ${partitions}, replicas: ${replicas}}
`
const group = (replicas: number) => ({ brokers: [{ name: 'kafka', replicas, storage: { size: '10Gi' } }] })

const SECURE = 9093

/** A cluster that is changed while an idempotent producer and a group use it. */
export const changeStory = (where: PlaceName, isSkipped: boolean, start: () => Promise<Substrate>): void => {
  describe.skipIf(isSkipped || missing(where, 'change').length > 0)(`a cluster that is changed while it is used: ${where}`, () => {
    let substrate: Substrate
    let place: Place
    let load: Load

    beforeAll(async () => {
      substrate = await start()
      place = new Place(substrate)
      load = await Load.start(place, 'load')
    }, 600_000)
    afterAll(async () => {
      load?.kill()
      await substrate?.stop()
    }, 120_000)
    const tellWhy = () => onTestFailed(async () => console.warn(await place.diagnosis()))

    test('a listener with TLS and a setting that needs a restart roll through the brokers', async () => {
      tellWhy()
      const before = await place.brokers()
      const listeners = [
        { name: 'internal', port: 9092 },
        { name: 'secure', port: SECURE, tls: { enabled: true } },
      ]
      await place.patch('skc/quickstart', { config: { 'queued.max.requests': 400 }, listeners })
      await place.areReplaced(before)
      await load.goesOn()
    }, 240_000)

    test('a topic gets three replicas where it had one, and two again', async () => {
      tellWhy()
      expect((await place.kubectl.apply(topic('growing', 4, 1))).stderr).toBe('')
      await place.becomesReady('skt/growing')
      for (const count of [3, 2]) {
        await place.patch('skt/growing', { replicas: count })
        await place.becomesReady('skt/growing')
        const { status } = await place.kubectl.json<{ status: { replicas: number } }>('get', 'skt/growing')
        expect(status.replicas).toBe(count)
      }
    }, 120_000)

    test('two brokers come, get partitions, are drained and go', async () => {
      tellWhy()
      await place.patch('skc/quickstart', group(5))
      await eventually(async () => (await place.brokers()).length === 5, { everyMs: 200, timeoutMs: 60_000 })
      await place.becomesReady('skc/quickstart')
      expect((await place.kubectl.apply(topic('wide', 10, 3))).stderr).toBe('')
      await place.becomesReady('skt/wide')
      await place.patch('skc/quickstart', group(3))
      await eventually(async () => (await place.brokers()).length === 3, { timeoutMs: 120_000, everyMs: 500 })
      await place.becomesReady('skc/quickstart')
      await load.goesOn()
    }, 300_000)

    const renewal = async () => {
      tellWhy()
      const secured = await Load.start(place, 'load-tls', 'secure')
      try {
        const [pods, before] = [await place.brokers(), await place.certificates(SECURE)]
        // The operator makes what is missing: as if it were about to end.
        const gone = JSON.stringify({ data: { 'secure.pem': null } })
        await place.kubectl.ok(['patch', 'secret', 'quickstart-kafka-certificates', '--type=merge', '-p', gone])
        const areNew = async () => (await place.certificates(SECURE)).every((each) => !before.includes(each))
        await eventually(areNew, { timeoutMs: 180_000, everyMs: 1000, what: 'every broker shows another certificate' })
        await secured.goesOn()
        expect((await secured.end()).complaints).toEqual([])
        expect((await place.brokers()).map(({ metadata }) => metadata.uid)).toEqual(pods.map(({ metadata }) => metadata.uid))
      } finally {
        secured.kill()
      }
    }
    // Elsewhere it is tested without load (listeners.long.test.ts): kubelets bring new files after a minute.
    if (missing(where, 'renewal').length === 0) test('certificates are renewed, and clients with TLS do not notice', renewal, 300_000)

    test('no send failed, and every record was stored and consumed once', async () => {
      tellWhy()
      const { complaints, records } = await load.end()
      expect(complaints).toEqual([])
      expect(records).toBeGreaterThan(1000)
    }, 120_000)
  })
}
