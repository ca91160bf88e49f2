{{- define "exporter.name" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* By which pods are found; a release keeps it for good, since Kubernetes lets nobody change a selector. */}}
{{- define "exporter.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
{{- if not .Values.plain }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- end -}}

{{- define "exporter.labels" -}}
labels:
  {{- include "exporter.selector" . | nindent 2 }}
  {{- if not .Values.plain }}
  app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
  helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
  {{- end }}
{{- end -}}

{{- define "exporter.metadata" -}}
name: {{ include "exporter.name" . }}
{{ include "exporter.labels" . }}
{{- end -}}

{{/* The Secret's name, or nothing where there is none. */}}
{{- define "exporter.secret" -}}
{{- if .Values.secret.existing -}}
{{- .Values.secret.existing -}}
{{- else if .Values.secret.values -}}
{{- include "exporter.name" . -}}
{{- end -}}
{{- end -}}
