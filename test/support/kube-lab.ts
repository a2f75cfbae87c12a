import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Target } from './kube-exchanges.ts'

/** The API server that KUBE_LAB's `up DIRECTORY` started: its address, authority and administrator's token. */
export const labTarget = (directory: string): Target => {
  const kubeconfig = readFileSync(join(directory, 'kubeconfig'), 'utf8')
  return {
    url: /server: "([^"]+)"/.exec(kubeconfig)![1]!,
    ca: readFileSync(join(directory, 'pki', 'ca.crt'), 'utf8'),
    token: /token: ([^}\s]+)/.exec(kubeconfig)![1]!,
  }
}
