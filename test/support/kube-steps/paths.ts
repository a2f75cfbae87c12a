/** Where the steps' objects are, and the content types of patches. */
export const NS = '/api/v1/namespaces/contract'
export const APPS = '/apis/apps/v1/namespaces/contract'
export const WIDGETS = '/apis/example.sofakafka.io/v1/namespaces/contract/widgets'
export const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

export const PATCH = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
}
export const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'
