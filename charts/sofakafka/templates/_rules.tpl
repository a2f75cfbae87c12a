{{/*
What the operator calls, and nothing else. In every namespace that it watches. Secrets: it lists their metadata only, and reads single ones: those that it made, and those that resources refer to.
*/}}
{{- define "sofakafka.rules" -}}
- apiGroups: [sofakafka.io]
  resources: [clusters, topics, users, acls]
  verbs: [list, watch]
# The finalizer.
- apiGroups: [sofakafka.io]
  resources: [topics, users, acls]
  verbs: [patch]
- apiGroups: [sofakafka.io]
  resources: [clusters/status, topics/status, users/status, acls/status]
  verbs: [patch]
# Owner references that block deletion need it where OwnerReferencesPermissionEnforcement is on.
- apiGroups: [sofakafka.io]
  resources: [clusters/finalizers, users/finalizers]
  verbs: [update]
- apiGroups: [apps]
  resources: [statefulsets]
  verbs: [get, list, watch, create, patch, delete]
# Volumes grow.
- apiGroups: ['']
  resources: [persistentvolumeclaims]
  verbs: [list, patch]
- apiGroups: ['']
  resources: [pods]
  verbs: [list, watch, delete]
- apiGroups: ['']
  resources: [services]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: ['']
  resources: [configmaps, serviceaccounts]
  verbs: [get, create, patch]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, create, patch]
- apiGroups: ['']
  resources: [secrets]
  verbs: [get, list, watch, create, patch]
# Whose records in Kafka are whose is told by the namespace's uid.
- apiGroups: ['']
  resources: [namespaces]
  verbs: [get]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, create, patch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}

{{/*
What is in no namespace. Only an operator of all namespaces has it; one with watchNamespaces does without and says so.
*/}}
{{- define "sofakafka.clusterRules" -}}
{{- end }}
