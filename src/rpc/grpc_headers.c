#include "rpc/grpc_headers.h"
#include <string.h>

nghttp2_nv grpc_header(const char *name, const char *value) {
    return (nghttp2_nv){.name = (uint8_t *)name,
                        .value = (uint8_t *)value,
                        .namelen = strlen(name),
                        .valuelen = strlen(value)};
}

int32_t grpc_submit_request(nghttp2_session *session, const char *path,
                            const struct net_address *to, const nghttp2_data_provider *body) {
    char authority[NET_HOST_MAXIMUM + 10];
    net_address_format(to, authority);
    nghttp2_nv headers[] = {grpc_header(":method", "POST"),
                            grpc_header(":scheme", "http"),
                            grpc_header(":path", path),
                            grpc_header(":authority", authority),
                            grpc_header("te", "trailers"),
                            grpc_header("content-type", "application/grpc"),
                            grpc_header("user-agent", "trothdb/" TROTHDB_VERSION)};
    return nghttp2_submit_request(session, NULL, headers, sizeof headers / sizeof *headers, body,
                                  NULL);
}
