{{/* The pod of either kind of workload. */}}
{{- define "exporter.pod" -}}
{{- $deployment := eq .Values.kind "Deployment" -}}
metadata:
  labels:
    {{- include "exporter.selector" . | nindent 4 }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- $checksum := and .Values.config (not .Values.plain) }}
  {{- if or $checksum .Values.podAnnotations }}
  annotations:
    {{- if $checksum }}
    # A changed configuration starts the pods again.
    checksum/config: {{ sha256sum .Values.config }}
    {{- end }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
spec:
  automountServiceAccountToken: false
  {{- with .Values.serviceAccountName }}
  serviceAccountName: {{ . }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with .Values.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if $deployment }}
  # Longer than `drain` (15 s) and leaving the groups, so that SIGTERM lets what is in flight finish and the others
  # take the partitions over at once instead of after `session_timeout`.
  {{- else if and .Values.run.enabled .Values.serve.enabled }}
  # Longer than `drain` and `serve.drain` (15 s each, at the same time).
  {{- else }}
  # Longer than `{{ ternary "drain" "serve.drain" .Values.run.enabled }}` (15 s), so that SIGTERM lets what is in flight finish.
  {{- end }}
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds | default (ternary 45 30 $deployment) }}
  securityContext:
    {{- toYaml (ternary (omit .Values.podSecurityContext "fsGroupChangePolicy") .Values.podSecurityContext $deployment) | nindent 4 }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if $deployment }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "exporter.selector" . | nindent 10 }}
  {{- end }}
  containers:
    {{- if .Values.run.enabled }}
    {{- include "exporter.run" . | nindent 4 }}
    {{- end }}
    {{- if .Values.serve.enabled }}
    {{- include "exporter.serve" . | nindent 4 }}
    {{- end }}
  volumes:
    - name: config
      configMap: {name: {{ .Values.existingConfigMap | default (include "exporter.name" .) }}}
    {{- with include "exporter.secret" . }}
    - name: secrets
      secret: {secretName: {{ . }}, defaultMode: 0440}
    {{- end }}
    - name: tmp
      emptyDir: {medium: Memory, sizeLimit: 64Mi}
    {{- with .Values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}
