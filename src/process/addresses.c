#include "process/addresses.h"
#include "io/socket_address.h"

static int address_of(const char *setting, const char *host, long long port,
                      struct net_address *out, struct buffer *problem) {
    struct sockaddr_storage parsed;
    *out = (struct net_address){.port = (uint16_t)port};
    bool fits = strlen(host) < sizeof out->host;
    if (fits)
        memcpy(out->host, host, strlen(host));
    if (!fits || socket_address(out, &parsed) == 0) {
        buffer_append_format(problem, "%s: '%.80s' is not an IP address", setting, host);
        return ERR_INVALID;
    }
    socket_address_to_net((struct sockaddr *)&parsed, out);
    return 0;
}

static int port_of(const char *setting, long long port, long long offset, long long client_port,
                   long long *out, struct buffer *problem) {
    *out = port != 0 ? port : client_port + offset;
    if (*out <= UINT16_MAX)
        return 0;
    buffer_append_format(problem, "%s: port %lld + %lld is past 65535; set --%s", setting,
                         client_port, offset, setting);
    return ERR_INVALID;
}

static int addresses_on(const struct config *config, const char *setting, const char *host,
                        struct addresses *out, struct buffer *problem) {
    long long peer, admin;
    int code =
        port_of("peer-port", config->peer_port, ADDRESS_PEER_OFFSET, config->port, &peer, problem);
    if (code == 0)
        code = port_of("admin-port", config->admin_port, ADDRESS_ADMIN_OFFSET, config->port, &admin,
                       problem);
    if (code == 0)
        code = address_of(setting, host, config->port, &out->client, problem);
    if (code != 0)
        return code;
    out->peer = out->admin = out->client;
    out->peer.port = (uint16_t)peer;
    out->admin.port = (uint16_t)admin;
    return 0;
}

static bool is_wildcard(const struct net_address *address) {
    return strcmp(address->host, "0.0.0.0") == 0 || strcmp(address->host, "::") == 0;
}

static bool is_ipv6(const struct net_address *address) {
    return strchr(address->host, ':') != NULL;
}

/* What others may reach this node by, and it them. */
static int check_announced(const struct net_address *bound, const struct net_address *announced,
                           struct buffer *problem) {
    if (is_wildcard(announced)) {
        buffer_append_format(
            problem,
            "announce: %s stands for every address of this machine; say with --announce "
            "which one others reach it by",
            announced->host);
        return ERR_INVALID;
    }
    if (!is_ipv6(announced) || is_ipv6(bound))
        return 0;
    buffer_append_format(problem,
                         "announce: %s is an address of IPv6, and nothing that is sent there comes "
                         "to --bind %s, which is of IPv4",
                         announced->host, bound->host);
    return ERR_INVALID;
}

int addresses_of(const struct config *config, struct addresses *bound, struct addresses *announced,
                 struct buffer *problem) {
    const char *announce = config->announce[0] ? config->announce : config->bind;
    int code = addresses_on(config, "bind", config->bind, bound, problem);
    if (code == 0)
        code = addresses_on(config, "announce", announce, announced, problem);
    if (code != 0)
        return code;
    if (!socket_address_is_loopback(&bound->client) && config->cluster_key_file[0] == '\0') {
        buffer_append_format(
            problem,
            "bind: %s is not loopback, and without a cluster key anybody who "
            "reaches it could join; "
            "make one with `(umask 077; openssl rand -hex 32 > cluster.key)` and add "
            "--cluster-key-file cluster.key",
            bound->client.host);
        return ERR_INVALID;
    }
    if (config->cluster_name[0] != '\0' && config->cluster_key_file[0] == '\0') {
        buffer_append_format(problem,
                             "cluster-name: '%.80s' would keep nobody out, because the name is "
                             "sealed with the cluster key; add --cluster-key-file",
                             config->cluster_name);
        return ERR_INVALID;
    }
    return check_announced(&bound->client, &announced->client, problem);
}
