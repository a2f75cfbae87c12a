/** A kind with defaults, rules and both subresources. */
export const CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.sofakafka.io' },
  spec: {
    group: 'example.sofakafka.io',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget', shortNames: ['wd'], categories: ['sofakafka'] },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.size', labelSelectorPath: '.status.selector' },
        },
        additionalPrinterColumns: [
          { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
          { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
          { name: 'Note', type: 'string', jsonPath: '.spec.note', priority: 1 },
        ],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            required: ['spec'],
            properties: {
              spec: {
                type: 'object',
                required: ['owner'],
                properties: {
                  owner: { type: 'string', maxLength: 10 },
                  size: { type: 'integer', minimum: 1, maximum: 9, default: 3 },
                  note: { type: 'string', pattern: '^[a-z ]*$' },
                  mode: { type: 'string', enum: ['Retain', 'Delete'], default: 'Retain' },
                  config: {
                    type: 'object',
                    maxProperties: 5,
                    additionalProperties: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
                  },
                  free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                  parts: {
                    type: 'array',
                    maxItems: 5,
                    'x-kubernetes-list-type': 'map',
                    'x-kubernetes-list-map-keys': ['name'],
                    items: {
                      type: 'object',
                      required: ['name'],
                      properties: { name: { type: 'string', maxLength: 20 }, count: { type: 'integer' } },
                    },
                  },
                  tags: { type: 'array', maxItems: 5, 'x-kubernetes-list-type': 'set', items: { type: 'string', maxLength: 20 } },
                },
                'x-kubernetes-validations': [
                  { rule: 'self.owner == oldSelf.owner', message: 'owner is immutable' },
                  { rule: "!has(self.note) || !self.note.startsWith('bad')", messageExpression: "'the note ' + self.note + ' is bad'" },
                  {
                    rule: '!has(self.config) || !self.config.exists(k, k == "broker.id")',
                    message: 'broker.id is set by the operator',
                    fieldPath: '.config',
                    reason: 'FieldValueForbidden',
                  },
                  {
                    rule: '!has(oldSelf.parts) || !has(self.parts) || self.parts.size() >= oldSelf.parts.size()',
                    message: 'parts cannot shrink',
                  },
                ],
              },
              status: {
                type: 'object',
                properties: {
                  size: { type: 'integer' },
                  selector: { type: 'string' },
                  conditions: {
                    type: 'array',
                    'x-kubernetes-list-type': 'map',
                    'x-kubernetes-list-map-keys': ['type'],
                    items: { type: 'object', required: ['type'], properties: { type: { type: 'string' }, status: { type: 'string' } } },
                  },
                },
              },
            },
          },
        },
      },
    ],
  },
}
export const widget = (name: string, spec: unknown): unknown => ({
  apiVersion: 'example.sofakafka.io/v1',
  kind: 'Widget',
  metadata: { name },
  spec,
})
