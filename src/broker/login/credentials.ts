import type { ScramCredential, ScramMechanism } from '../../security/scram.ts'

/** Who may log in by password. */
export interface Credentials {
  scram(mechanism: ScramMechanism, username: string): ScramCredential | undefined
  /** User names with passwords, of a listener's sasl.jaas.config. */
  plainUsers(listener: string): ReadonlyMap<string, string>
}
