import type { Kube, Resource } from '../../kube/types.ts'

type ApiResource = { name: string; kind: string; namespaced: boolean; verbs: string[] }
type ApiGroup = { name: string; preferredVersion: { groupVersion: string } }

/** Kinds whose objects nobody owns and that come in great numbers. */
const LEFT_OUT = new Set(['events'])

/** Every kind that can be listed, watched and deleted, each in its preferred version. */
export const discover = async (kube: Kube): Promise<Resource[]> => {
  const { groups } = (await kube.raw('GET', '/apis')) as { groups: ApiGroup[] }
  const versions = ['v1', ...groups.map(({ preferredVersion }) => preferredVersion.groupVersion)]
  const lists = await Promise.all(
    versions.map(async (apiVersion) => {
      const path = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`
      const { resources } = (await kube.raw('GET', path)) as { resources: ApiResource[] }
      return resources
        .filter(
          ({ name, verbs }) =>
            !name.includes('/') && !LEFT_OUT.has(name) && ['list', 'watch', 'delete'].every((verb) => verbs.includes(verb)),
        )
        .map(({ name, kind, namespaced }) => ({ apiVersion, kind, plural: name, namespaced }))
    }),
  )
  return lists.flat()
}
