import { expect, test } from 'vitest'
import { KafkaError } from '../../../src/protocol/errors.ts'
import type { JoinResult } from '../../../src/broker/coordinator/messages.ts'
import { settle } from '../../support/manual-clock.ts'
import { Random } from '../../support/random.ts'
import { errorOf, Lab } from './support/lab.ts'

const GROUPS = ['a', 'b', 'c', 'd']

/** Random clients: they join, sync, commit, leave, fall silent; groups are deleted, disks fail, replicas lag. */
class Clients {
  readonly #lab: Lab
  readonly #random: Random
  readonly #members = new Map<string, JoinResult[]>(GROUPS.map((id) => [id, []]))

  constructor(lab: Lab, random: Random) {
    this.#lab = lab
    this.#random = random
  }

  async step(): Promise<void> {
    const id = this.#random.pick(GROUPS)
    const action = this.#random.pick([
      'join',
      'join',
      'sync',
      'sync',
      'commit',
      'commit',
      'commit',
      'leave',
      'pass',
      'delete',
      'trouble',
    ] as const)
    await this.#act(action, id)
    await settle(1)
  }

  async #act(action: 'join' | 'sync' | 'commit' | 'leave' | 'pass' | 'delete' | 'trouble', id: string): Promise<void> {
    const lab = this.#lab
    const known = this.#members.get(id)!
    const member = known.length > 0 ? this.#random.pick(known) : undefined
    if (action === 'join') return this.#join(id, member)
    if (action === 'pass') return lab.pass(this.#random.pick([100, 3000, 6000, 4_000_000]))
    if (action === 'delete') return void lab.groups.delete(id).catch(() => undefined)
    if (action === 'trouble') return this.#trouble(id)
    if (action === 'commit') {
      const by = member && this.#random.next() < 0.8 ? { by: member } : {}
      return void lab.commit({ [this.#random.below(3)]: this.#random.below(1000) }, { group: id, ...by })
    }
    if (!member) return
    if (action === 'leave') {
      const { memberId } = member
      errorOf(() => lab.groups.find(id)?.membership.leave([{ memberId, groupInstanceId: null }]))
      this.#members.set(
        id,
        known.filter((one) => one.memberId !== memberId),
      )
      return
    }
    const assignments = Object.fromEntries(known.map(({ memberId }) => [memberId, `${memberId}@${member.generationId}`]))
    void lab.sync(member, assignments, id).catch(() => undefined)
  }

  #join(id: string, member: JoinResult | undefined): void {
    const instance = this.#random.next() < 0.3 ? `i${this.#random.below(3)}` : null
    const memberId = member && this.#random.next() < 0.5 ? member.memberId : ''
    const request = { memberId, groupInstanceId: memberId === '' ? instance : null, sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 5000 }
    void this.#lab.join(request, id).then((result) => {
      if (result.error !== 'NONE') return
      const others = this.#members.get(id)!.filter((one) => one.memberId !== result.memberId && one.generationId === result.generationId)
      this.#members.set(id, [...others, result])
    })
  }

  #trouble(id: string): void {
    const log = this.#lab.log(id)
    const trouble = this.#random.below(4)
    if (trouble === 0) log.fail('append', new KafkaError('KAFKA_STORAGE_ERROR'))
    if (trouble === 1) log.fail('replicated', new KafkaError('NOT_ENOUGH_REPLICAS_AFTER_APPEND'))
    if (trouble === 2) log.holds = true
    if (trouble === 3) {
      log.holds = false
      log.replicate()
    }
  }
}

test.each([1, 2, 3, 4, 5, 6, 7, 8, 301, 311])('whatever clients do, the log rebuilds the same groups (seed %i)', async (seed) => {
  const lab = await Lab.start({ 'offsets.retention.minutes': '60', 'offsets.retention.check.interval.ms': '600000' })
  const clients = new Clients(lab, new Random(seed))
  for (let round = 0; round < 8; round++) {
    for (let step = 0; step < 60; step++) await clients.step()
    for (const log of lab.logs) {
      log.holds = false
      log.replicate()
    }
    await settle(10)
    const next = await Lab.start({}, [...lab.logs])
    expect(next.images()).toEqual(lab.images())
    next.groups.close()
  }
  expect(lab.logs.reduce((sum, log) => sum + log.log.logEndOffset, 0)).toBeGreaterThan(40)
  lab.groups.close()
  expect(lab.clock.timers).toBe(0)
})
