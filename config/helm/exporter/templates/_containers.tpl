{{- define "exporter.run" -}}
- name: {{ ternary "run" "exporter" .Values.serve.enabled }}
  {{- include "exporter.image" . | nindent 2 }}
  {{- with .Values.run.workers }}
  args: [run, --config, /config/exporter.yaml, --workers, {{ . | toString | quote }}]
  {{- end }}
  {{- with include "exporter.env" . }}
  {{- . | nindent 2 }}
  {{- end }}
  ports: [{name: ops, containerPort: 9464}]
  {{- include "exporter.probes" (list "ops" .Values.probes) | nindent 2 }}
  {{- include "exporter.confined" (list .Values.run.resources .) | nindent 2 }}
{{- end -}}

{{- define "exporter.serve" -}}
- name: serve
  {{- include "exporter.image" . | nindent 2 }}
  args: [serve, --config, /config/exporter.yaml]
  {{- with include "exporter.env" . }}
  {{- . | nindent 2 }}
  {{- end }}
  ports:
    - {name: collection, containerPort: 8085}
    - {name: serve-ops, containerPort: 9465}
  {{- include "exporter.probes" (list "serve-ops" .Values.probes) | nindent 2 }}
  {{- include "exporter.confined" (list .Values.serve.resources .) | nindent 2 }}
{{- end -}}

{{- define "exporter.image" -}}
image: {{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- if .Values.plain }} # built from the Dockerfile; before it the registry that you pushed it to{{ end }}
{{- with .Values.image.pullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
{{- end -}}

{{- define "exporter.env" -}}
{{- if or .Values.env .Values.extraEnv -}}
env:
  {{- $secret := include "exporter.secret" . }}
  {{- range $name, $key := .Values.env }}
  - name: {{ $name }}
    valueFrom: {secretKeyRef: {name: {{ $secret }}, key: {{ $key }}}}
  {{- end }}
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}
{{- end -}}

{{/* Of a port's name and the values `probes`. */}}
{{- define "exporter.probes" -}}
{{- $port := index . 0 -}}
{{- $probes := index . 1 -}}
# Slow rather than dead: stores may have to be checked after a crash.
startupProbe:
  httpGet: {path: /live, port: {{ $port }}}
  {{- toYaml $probes.startup | nindent 2 }}
livenessProbe:
  httpGet: {path: /live, port: {{ $port }}}
  {{- toYaml $probes.liveness | nindent 2 }}
readinessProbe:
  httpGet: {path: /ready, port: {{ $port }}}
  {{- toYaml $probes.readiness | nindent 2 }}
{{- end -}}

{{/* Of a container's resources and all values: what it may use and write to. */}}
{{- define "exporter.confined" -}}
{{- $top := index . 1 -}}
securityContext:
  {{- toYaml $top.Values.containerSecurityContext | nindent 2 }}
resources:
  {{- toYaml (index . 0) | nindent 2 }}
volumeMounts:
  {{- if eq $top.Values.kind "StatefulSet" }}
  - {name: data, mountPath: /data}
  {{- end }}
  - {name: config, mountPath: /config, readOnly: true}
  {{- if include "exporter.secret" $top }}
  - {name: secrets, mountPath: /run/secrets/exporter, readOnly: true}
  {{- end }}
  - {name: tmp, mountPath: /tmp}
  {{- with $top.Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}
