import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { KubeClient } from '../../../src/kube/client.ts'
import { customResourceDefinitions, namespaces } from '../../../src/kube/resources.ts'
import { keyOf, type KubeObject } from '../../../src/kube/types.ts'
import { eventually } from '../../support/net.ts'

type Definition = KubeObject & { spec: Record<string, unknown> }

export const definitions = (): Definition[] =>
  readdirSync('crds')
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => parse(readFileSync(join('crds', name), 'utf8')) as Definition)

/** Installs the kinds and waits until they are served. */
export const installKinds = async (kube: KubeClient): Promise<void> => {
  for (const definition of definitions()) await kube.apply(customResourceDefinitions, definition)
  for (const definition of definitions()) {
    await eventually(
      async () =>
        (await kube.get(customResourceDefinitions, keyOf(definition)))?.status?.conditions?.some(
          ({ type, status }) => type === 'Established' && status === 'True',
        ),
      { what: `${definition.metadata.name} established` },
    )
  }
}

let count = 0
/** A namespace of its own for a test; the name is new in every run. */
export const makeNamespace = async (kube: KubeClient, name = `t${process.pid}-${++count}`): Promise<string> => {
  await kube.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  return name
}
