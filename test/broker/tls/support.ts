import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Certificate, createCertificate } from '../../../src/security/certificates.ts'
import { removeDirectory, temporaryDirectory } from '../../support/apache.ts'

export type Authority = { pem: string; issue(commonName: string, options?: Parameters<typeof createCertificate>[0] | object): Certificate }

/** Who signs certificates for 127.0.0.1 and localhost. */
export const authority = (commonName: string): Authority => {
  const nowMs = Date.now()
  const ca = createCertificate({ commonName, nowMs })
  const names = { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] }
  return { pem: ca.certificatePem, issue: (name, options) => createCertificate({ commonName: name, nowMs, ca, ...names, ...options }) }
}

/** A directory of PEM files that ends with the test. */
export class Files {
  readonly path = temporaryDirectory('tls')

  /** Writes a file as a mounted Secret gets its new content: all at once. */
  write(name: string, content: string | Uint8Array): string {
    const path = join(this.path, name)
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(`${path}.new`, content)
    renameSync(`${path}.new`, path)
    return path
  }

  remove(): void {
    removeDirectory(this.path)
  }
}

/** The key and the chain in one file. */
export const keyStore = ({ keyPem, certificatePem }: Certificate): string => keyPem + certificatePem
