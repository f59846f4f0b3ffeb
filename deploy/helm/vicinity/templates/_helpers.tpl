{{- define "vicinity.selector" -}}
app.kubernetes.io/name: vicinity
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "vicinity.labels" -}}
{{ include "vicinity.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "vicinity.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* Neither a sidecar nor ztunnel belongs in front of a pod of the host's network. */}}
{{- define "vicinity.podLabels" -}}
sidecar.istio.io/inject: "false"
istio.io/dataplane-mode: none
{{- with .Values.podLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "vicinity.metricsAddress" -}}
{{- if .Values.metrics.enabled -}}
{{- $host := ternary "[$(POD_IP)]" "$(POD_IP)" .Values.metrics.ipv6 -}}
{{ $host }}:{{ .Values.metrics.port }}
{{- end -}}
{{- end }}

{{/* A flag's value as text: YAML turns `on` into true, and large numbers into fractions. */}}
{{- define "vicinity.text" -}}
{{- if kindIs "bool" . }}{{ ternary "on" "off" . }}
{{- else if kindIs "float64" . }}{{ int64 . }}
{{- else }}{{ . }}
{{- end }}
{{- end }}

{{/* What the chart sets by itself, under .Values.config. */}}
{{- define "vicinity.args" -}}
{{- $flags := dict
      "cgroup" "/host/sys/fs/cgroup"
      "pin-dir" "/host/sys/fs/bpf/vicinity"
      "metrics-address" (include "vicinity.metricsAddress" .)
      "node-name" "$(NODE_NAME)"
      "pod-ip" "$(POD_IP)"
      "pod-name" "$(POD_NAME)"
      "pod-namespace" "$(POD_NAMESPACE)"
      "xds-root-cert" "/var/run/secrets/istio/root-cert.pem"
      "xds-token" "/var/run/secrets/tokens/istio-token" }}
{{- if .Values.policies }}{{ $_ := set $flags "policy-dir" "/etc/vicinity/policies" }}{{ end }}
{{- range $name, $value := merge (deepCopy .Values.config) $flags }}
{{- range (kindIs "slice" $value | ternary $value (list $value)) }}
- {{ printf "--%s=%s" $name (include "vicinity.text" .) | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- define "vicinity.env" -}}
{{- range $name, $path := dict "NODE_NAME" "spec.nodeName" "POD_IP" "status.podIP"
      "POD_NAME" "metadata.name" "POD_NAMESPACE" "metadata.namespace" }}
- name: {{ $name }}
  valueFrom:
    fieldRef:
      fieldPath: {{ $path }}
{{- end }}
{{- end }}

{{- define "vicinity.securityContext" -}}
runAsUser: 0
privileged: false
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
  add: [BPF, NET_ADMIN, PERFMON]
seccompProfile:
{{- toYaml .Values.seccompProfile | nindent 2 }}
{{- end }}

{{/* What the daemon's pods and those that uninstall it have in common. */}}
{{- define "vicinity.podCommon" -}}
hostNetwork: true
dnsPolicy: ClusterFirstWithHostNet
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
{{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
{{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
{{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "vicinity.bpffsVolume" -}}
- name: bpffs
  hostPath:
    path: {{ .Values.host.bpffs }}
    type: Directory
{{- end }}

{{/* Done when --uninstall has succeeded, so a rollout that is complete means: on every node. */}}
{{- define "vicinity.uninstallSpec" -}}
{{- include "vicinity.podCommon" . }}
terminationGracePeriodSeconds: 0
initContainers:
  - name: uninstall
    image: {{ include "vicinity.image" . }}
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    args:
      - {{ printf "--pin-dir=%s" (get .Values.config "pin-dir" | default "/host/sys/fs/bpf/vicinity") | quote }}
      - "--node-name=$(NODE_NAME)"
      - "--uninstall"
    env:
      - name: NODE_NAME
        valueFrom:
          fieldRef:
            fieldPath: spec.nodeName
    securityContext:
      {{- include "vicinity.securityContext" . | nindent 6 }}
    volumeMounts:
      - name: bpffs
        mountPath: /host/sys/fs/bpf
        mountPropagation: HostToContainer
containers:
  - name: done
    image: {{ .Values.pauseImage }}
    securityContext:
      runAsNonRoot: true
      runAsUser: 65535
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities:
        drop: [ALL]
      seccompProfile:
        type: RuntimeDefault
volumes:
  {{- include "vicinity.bpffsVolume" . | nindent 2 }}
{{- end }}
