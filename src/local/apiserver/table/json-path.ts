import { asArray, asObject, isObject, type Json, type KubeObject } from '../json.ts'

type Step = { key: string } | { index: number } | { all: true } | { filter: { path: string[]; value: string } }

const parse = (path: string): Step[] => {
  const steps: Step[] = []
  const pattern = /\.?\[\?\(@\.([\w.-]+)\s*==\s*["']([^"']*)["']\)\]|\.?\[(\d+)\]|\.?\[\*\]|\.?\['([^']+)'\]|\.((?:\\.|[^.[\\])+)/gy
  for (let match = pattern.exec(path); match; match = pattern.exec(path)) {
    const [whole, filterPath, filterValue, index, quoted, key] = match
    if (filterPath) steps.push({ filter: { path: filterPath.split('.'), value: filterValue! } })
    else if (index !== undefined) steps.push({ index: Number(index) })
    else if (whole.endsWith('[*]')) steps.push({ all: true })
    else steps.push({ key: quoted ?? key!.replace(/\\(.)/g, '$1') })
  }
  return steps
}

const advance = (values: (Json | undefined)[], step: Step): (Json | undefined)[] =>
  values.flatMap((value): (Json | undefined)[] => {
    if ('key' in step) return isObject(value) ? [value[step.key]] : []
    if ('index' in step) return [asArray(value)[step.index]]
    if ('all' in step) return Array.isArray(value) ? value : Object.values(asObject(value))
    return asArray(value).filter((item) => {
      const found = step.filter.path.reduce<Json | undefined>((here, key) => asObject(here)[key], item)
      return String(found as string) === step.filter.value
    })
  })

/** The first value at a JSONPath of the kind that printer columns use: keys, indexes, [*] and [?(@.type=="Ready")]. */
export const evaluate = (object: KubeObject, path: string): Json | undefined =>
  parse(path)
    .reduce(advance, [object])
    .find((value) => value !== undefined)
