import { expect, test } from 'vitest'
import { probeOnce, watchProbe } from '../../../src/local/kubelet/probe.ts'
import { networkProber } from '../../../src/local/kubelet/prober.ts'
import type { Probe } from '../../../src/local/objects.ts'
import { ManualClock, settle } from '../../support/manual-clock.ts'
import { freePort } from '../../support/net.ts'
import { FakeProber } from '../support/fakes.ts'

const start = (probe: Probe, eager: boolean, ok = true) => {
  const clock = new ManualClock()
  const prober = new FakeProber()
  prober.answer = { ok, message: '' }
  const told: boolean[] = []
  const stop = new AbortController()
  const target = {
    host: '127.9.0.1',
    container: { name: 'c', image: '', ports: [{ name: 'http', containerPort: 9404 }] },
    hostPort: (port: number) => port,
  }
  void watchProbe(
    probe,
    () => probeOnce(probe, target, prober),
    ({ ok }) => told.push(ok),
    { clock, signal: stop.signal, eager },
  ).catch(() => {})
  return { clock, prober, told, stop }
}

test('a probe fails after as many failures in a row as its threshold', async () => {
  const { clock, prober, told } = start({ httpGet: { port: 'http', path: 'healthz' }, periodSeconds: 10, failureThreshold: 3 }, false)
  await settle()
  expect(told).toEqual([true])
  prober.answer = { ok: false, message: 'no' }
  await clock.advance(20_000)
  expect(told).toEqual([true])
  await clock.advance(10_000)
  expect(told).toEqual([true, false])
  expect(prober.asked[0]).toBe('http://127.9.0.1:9404/healthz')
})

test('one success between failures starts the count anew', async () => {
  const { clock, prober, told } = start({ tcpSocket: { port: 2181 }, periodSeconds: 1, failureThreshold: 2 }, false)
  await settle()
  for (const ok of [false, true, false, true, false]) {
    prober.answer = { ok, message: '' }
    await clock.advance(1000)
  }
  expect(told).toEqual([true])
})

test('until the first success a readiness probe is tried in short steps, which count as failures only once in a period', async () => {
  const { clock, prober, told } = start({ tcpSocket: { port: 1 }, periodSeconds: 10, failureThreshold: 3 }, true, false)
  await clock.advance(9_900)
  expect(prober.asked.length).toBeGreaterThan(50)
  expect(told).toEqual([])
  prober.answer = { ok: true, message: '' }
  await clock.advance(100)
  expect(told).toEqual([true])
  const asked = prober.asked.length
  await clock.advance(9_999)
  expect(prober.asked.length - asked).toBe(0)
})

test('nothing is probed before the initial delay, and nothing after the end', async () => {
  const { clock, prober, stop } = start({ tcpSocket: { port: 1 }, initialDelaySeconds: 5, periodSeconds: 1 }, false)
  await clock.advance(4_999)
  expect(prober.asked).toEqual([])
  await clock.advance(1)
  expect(prober.asked).toHaveLength(1)
  stop.abort(new Error('over'))
  await clock.advance(10_000)
  expect(prober.asked).toHaveLength(1)
})

test('a program inside the container cannot be a probe here, and the answer says so', async () => {
  const target = { host: '127.9.0.1', container: { name: 'c', image: '' }, hostPort: (port: number) => port }
  expect(await probeOnce({ exec: { command: ['true'] } }, target, new FakeProber())).toMatchObject({
    ok: false,
    message: expect.stringContaining('httpGet and tcpSocket only') as string,
  })
  expect(await probeOnce({ tcpSocket: { port: 'none' } }, target, new FakeProber())).toMatchObject({
    ok: false,
    message: 'the container has no port named none',
  })
})

test('a port where nobody listens is a failure with the reason', async () => {
  const port = await freePort()
  expect(await networkProber.tcp('127.0.0.1', port, 1000)).toMatchObject({
    ok: false,
    message: expect.stringContaining('ECONNREFUSED') as string,
  })
  expect(await networkProber.http(`http://127.0.0.1:${port}/`, {}, 1000)).toMatchObject({ ok: false })
})
