vic_proto(vic_proto_admin GRPC PROTOS vicinity/admin.proto)
