{{- define "vicinity.daemonSpec" -}}
{{- include "vicinity.podCommon" . }}
# Pods are told apart by their processes, and the host's network namespace by process 1.
hostPID: true
serviceAccountName: vicinity
terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
affinity:
  # Never beside a pod that removes what this one has pinned.
  podAntiAffinity:
    requiredDuringSchedulingIgnoredDuringExecution:
      - topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels:
            app.kubernetes.io/name: vicinity
            app.kubernetes.io/component: uninstall
{{- if .Values.host.mountBpffs.enabled }}
initContainers:
  - name: mount-bpffs
    image: {{ .Values.host.mountBpffs.image }}
    command:
      - sh
      - -ec
      - grep -q " /host/sys/fs/bpf bpf " /proc/self/mounts || mount -t bpf bpf /host/sys/fs/bpf
    securityContext:
      privileged: true
    volumeMounts:
      - name: bpffs
        mountPath: /host/sys/fs/bpf
        mountPropagation: Bidirectional
{{- end }}
containers:
  - name: vicinityd
    image: {{ include "vicinity.image" . }}
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    args:
      {{- include "vicinity.args" . | trim | nindent 6 }}
    env:
      {{- include "vicinity.env" . | trim | nindent 6 }}
    {{- if .Values.metrics.enabled }}
    ports:
      - name: metrics
        containerPort: {{ .Values.metrics.port }}
        protocol: TCP
    {{- end }}
    # `ready`: tables are published and a probe connect was translated. Alive is a daemon whose
    # control loop answers: a restart would not bring an absent istiod back. What is pinned serves
    # whether the daemon runs or not.
    startupProbe:
      exec: {command: [/usr/bin/vicinityctl, status]}
      periodSeconds: 2
      timeoutSeconds: 5
      failureThreshold: 60
    readinessProbe:
      exec: {command: [/usr/bin/vicinityctl, ready]}
      periodSeconds: 10
      timeoutSeconds: 5
    livenessProbe:
      exec: {command: [/usr/bin/vicinityctl, status]}
      periodSeconds: 30
      timeoutSeconds: 10
      failureThreshold: 4
    resources:
      {{- toYaml .Values.resources | nindent 6 }}
    securityContext:
      {{- include "vicinity.securityContext" . | nindent 6 }}
    volumeMounts:
      - name: cgroup
        mountPath: /host/sys/fs/cgroup
      - name: bpffs
        mountPath: /host/sys/fs/bpf
        mountPropagation: HostToContainer
      - name: run
        mountPath: /run/vicinity
      - name: istio-token
        mountPath: /var/run/secrets/tokens
        readOnly: true
      - name: istio-root-cert
        mountPath: /var/run/secrets/istio
        readOnly: true
      {{- if .Values.policies }}
      - name: policies
        mountPath: /etc/vicinity/policies
        readOnly: true
      {{- end }}
volumes:
  - name: cgroup
    hostPath:
      path: {{ .Values.host.cgroup }}
      type: Directory
  {{- include "vicinity.bpffsVolume" . | nindent 2 }}
  - name: run
    emptyDir:
      medium: Memory
  - name: istio-token
    projected:
      sources:
        - serviceAccountToken:
            audience: {{ .Values.xds.tokenAudience }}
            expirationSeconds: {{ int64 .Values.xds.tokenExpirationSeconds }}
            path: istio-token
  - name: istio-root-cert
    configMap:
      name: {{ .Values.xds.rootCertConfigMap }}
      optional: true
  {{- if .Values.policies }}
  - name: policies
    configMap:
      name: vicinity-policies
  {{- end }}
{{- end }}
