{{/* How fast pods come and go, whoever scales. */}}
{{- define "exporter.behavior" -}}
behavior:
  scaleUp:
    stabilizationWindowSeconds: 30
    policies: [{type: Pods, value: 2, periodSeconds: 60}]
  # Slowly: each pod that goes moves partitions, and a gap in the traffic is no end of it.
  scaleDown:
    stabilizationWindowSeconds: 600
    policies: [{type: Pods, value: 1, periodSeconds: 120}]
{{- end -}}

{{/* The labels by which a query finds the exporters, in braces, or nothing. */}}
{{- define "exporter.series" -}}
{{- with .Values.scaling.prometheus.selector -}}
{ {{- . -}} }
{{- end -}}
{{- end -}}
