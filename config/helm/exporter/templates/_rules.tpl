{{/* What values.schema.json cannot say: values that do not go together end the rendering with the reason. */}}
{{- define "exporter.rules" -}}
{{- $deployment := eq .Values.kind "Deployment" -}}
{{- $scaled := ne .Values.scaling.by "none" -}}
{{- if not (or .Values.run.enabled .Values.serve.enabled) -}}
{{- fail "run.enabled and serve.enabled are both false: nothing would run" -}}
{{- end -}}
{{- if and .Values.serve.enabled $deployment -}}
{{- fail "serve.enabled needs kind: StatefulSet, since profiles are a file on its volume; let it be a release of its own, with run.enabled: false" -}}
{{- end -}}
{{- if and (not $deployment) (ne (int .Values.replicas) 1) -}}
{{- fail "replicas is 1 for kind: StatefulSet, whose files have one reader; kind: Deployment has more" -}}
{{- end -}}
{{- if and $scaled (not $deployment) -}}
{{- fail "scaling.by needs kind: Deployment" -}}
{{- end -}}
{{- if and $scaled (ne .Values.scaling.by "group") (lt (int .Values.scaling.min) 1) -}}
{{- fail "scaling.min is at least 1, unless scaling.by is group: without a pod there is no metric to come back by" -}}
{{- end -}}
{{- if lt (int .Values.scaling.max) (int .Values.scaling.min) -}}
{{- fail "scaling.max is less than scaling.min" -}}
{{- end -}}
{{- if and (has .Values.scaling.by (list "group" "hpa")) (not .Values.scaling.destinations) -}}
{{- fail (printf "scaling.by: %s needs scaling.destinations, the names of those that it looks at" .Values.scaling.by) -}}
{{- end -}}
{{- if and (eq .Values.scaling.by "group") (not (and .Values.scaling.kafka.bootstrapServers .Values.scaling.kafka.topic)) -}}
{{- fail "scaling.by: group needs scaling.kafka.bootstrapServers and scaling.kafka.topic" -}}
{{- end -}}
{{- if and (eq .Values.scaling.by "group") (ne .Values.scaling.kafka.sasl "none") (not (include "exporter.secret" .)) -}}
{{- fail "scaling.kafka.sasl needs a Secret: secret.existing or secret.values" -}}
{{- end -}}
{{- if and .Values.config .Values.existingConfigMap -}}
{{- fail "config and existingConfigMap are both set: one of them is the configuration" -}}
{{- end -}}
{{- if not (or .Values.config .Values.existingConfigMap) -}}
{{- fail "neither config nor existingConfigMap is set: config/helm/values has configurations to begin with" -}}
{{- end -}}
{{- if and .Values.secret.existing .Values.secret.values -}}
{{- fail "secret.existing and secret.values are both set" -}}
{{- end -}}
{{- if and .Values.env (not (include "exporter.secret" .)) -}}
{{- fail "env names keys of a Secret, and there is none: secret.existing or secret.values" -}}
{{- end -}}
{{- end -}}
