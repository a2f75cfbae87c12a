{{- define "sofakafka.name" -}}
{{- if contains "sofakafka" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-sofakafka" .Release.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "sofakafka.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "sofakafka.name" .) }}
{{- end }}

{{- define "sofakafka.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "sofakafka.selector" -}}
app.kubernetes.io/name: sofakafka-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "sofakafka.labels" -}}
{{ include "sofakafka.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}
