import { isIPv4 } from 'node:net'
import { asArray, asString, at } from './json.ts'
import { invalidValue } from './rest/metadata.ts'
import { invalid, StatusError } from './status.ts'
import type { Store } from './store/store.ts'

const toNumber = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
const toAddress = (value: number): string => [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.')
const SERVICE = { group: '', plural: 'services', kind: 'Service' }

/** Gives each service an address of the range that no other service has: the one that was asked for, or the next free one. */
export class ServiceAddresses {
  readonly #store: Store
  readonly #first: number
  readonly #size: number
  readonly #cidr: string
  #next = 1

  constructor(store: Store, cidr: string) {
    const [base = '', bits = ''] = cidr.split('/')
    if (!isIPv4(base) || !(Number(bits) >= 8 && Number(bits) <= 30))
      throw new Error(`serviceCidr ${cidr}: write an IPv4 range such as 10.96.0.0/16`)
    this.#store = store
    this.#cidr = cidr
    this.#size = 2 ** (32 - Number(bits))
    this.#first = Math.floor(toNumber(base) / this.#size) * this.#size
  }

  allocate(asked: string): string {
    const used = new Set(this.#store.list('/services').flatMap((service) => asArray(at(service, 'spec', 'clusterIPs')).map(asString)))
    if (asked) return this.#check(asked, used)
    for (let tries = 1; tries < this.#size - 1; tries++) {
      const address = toAddress(this.#first + this.#next)
      this.#next = (this.#next % (this.#size - 2)) + 1
      if (!used.has(address)) return address
    }
    throw new StatusError(500, 'InternalError', `Internal error occurred: failed to allocate a serviceIP: range ${this.#cidr} is full`)
  }

  #check(asked: string, used: ReadonlySet<string>): string {
    const refuse = (words: string): StatusError => invalid(SERVICE, '', [invalidValue('spec.clusterIPs', [asked], words)])
    if (!isIPv4(asked)) throw refuse(`failed to allocate IP ${asked}: not a valid IP address`)
    const offset = toNumber(asked) - this.#first
    if (offset <= 0 || offset >= this.#size - 1)
      throw refuse(`failed to allocate IP ${asked}: the provided IP is not in the valid range. The range of valid IPs is ${this.#cidr}`)
    if (used.has(asked)) throw refuse(`failed to allocate IP ${asked}: provided IP is already allocated`)
    return asked
  }
}
