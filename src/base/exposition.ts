export type Labels = Readonly<Record<string, string | number>>
/** `suffix` is what a histogram's samples have behind its name: _bucket, _sum, _count. */
export type Sample = { labels?: Labels; value: number; suffix?: '_bucket' | '_sum' | '_count' }
export type MetricType = 'counter' | 'gauge' | 'summary' | 'histogram'

const escapeLabel = (value: string): string => value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')

const formatLabels = (labels: Labels | undefined): string => {
  const pairs = Object.entries(labels ?? {})
  return pairs.length === 0 ? '' : `{${pairs.map(([name, value]) => `${name}="${escapeLabel(String(value))}"`).join(',')}}`
}

const formatValue = (value: number): string => (Number.isFinite(value) ? String(value) : value > 0 ? '+Inf' : value < 0 ? '-Inf' : 'NaN')

/** Metrics in the Prometheus text format 0.0.4: one HELP and TYPE per name, then its samples. */
export class Exposition {
  readonly #lines: string[] = []

  add(name: string, type: MetricType, help: string, samples: Iterable<Sample>): void {
    const lines = [...samples].map(({ labels, value, suffix = '' }) => `${name}${suffix}${formatLabels(labels)} ${formatValue(value)}`)
    if (lines.length > 0) this.#lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines)
  }

  text(): string {
    return `${this.#lines.join('\n')}\n`
  }
}
