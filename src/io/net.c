#include "io/net.h"
#include "base/text/number.h"
#include <arpa/inet.h>
#include <stdio.h>

bool net_address_equal(const struct net_address *a, const struct net_address *b) {
    return a->port == b->port && strcmp(a->host, b->host) == 0;
}

/* The canonical text of an address, so that equal addresses have equal texts. */
static bool net_host_canonical(char out[NET_HOST_MAXIMUM], struct bytes host, int family) {
    char text[NET_HOST_MAXIMUM];
    uint8_t binary[sizeof(struct in6_addr)];
    if (host.length == 0 || host.length >= sizeof text || memchr(host.data, 0, host.length))
        return false;
    memcpy(text, host.data, host.length);
    text[host.length] = 0;
    return inet_pton(family, text, binary) == 1 &&
           inet_ntop(family, binary, out, NET_HOST_MAXIMUM) != NULL;
}

static bool net_port_parse(uint16_t *port, struct bytes text) {
    int64_t value;
    if (!number_parse_i64(text, &value) || value < 1 || value > UINT16_MAX)
        return false;
    *port = (uint16_t)value;
    return true;
}

/* At the last colon. */
static bool net_split(struct bytes text, struct bytes *host, uint16_t *port) {
    const uint8_t *colon = text.length ? memrchr(text.data, ':', text.length) : NULL;
    if (colon == NULL)
        return false;
    *host = bytes_of(text.data, (size_t)(colon - text.data));
    return net_port_parse(port, bytes_of(colon + 1, text.length - host->length - 1));
}

int net_address_parse(struct net_address *address, struct bytes text) {
    struct net_address parsed;
    struct bytes host;
    if (!net_split(text, &host, &parsed.port))
        return ERR_INVALID;
    int family = AF_INET;
    if (host.length >= 2 && host.data[0] == '[' && host.data[host.length - 1] == ']') {
        host = bytes_of(host.data + 1, host.length - 2);
        family = AF_INET6;
    }
    if (!net_host_canonical(parsed.host, host, family))
        return ERR_INVALID;
    *address = parsed;
    return 0;
}

int net_name_parse(struct net_name *name, struct bytes text) {
    struct bytes host;
    if (!net_split(text, &host, &name->port) || host.length == 0 ||
        host.length >= sizeof name->host || memchr(host.data, ' ', host.length) ||
        memchr(host.data, '\0', host.length))
        return ERR_INVALID;
    memcpy(name->host, host.data, host.length);
    name->host[host.length] = '\0';
    return 0;
}

void net_address_format(const struct net_address *address, char out[NET_HOST_MAXIMUM + 10]) {
    const char *pattern = strchr(address->host, ':') ? "[%s]:%u" : "%s:%u";
    snprintf(out, NET_HOST_MAXIMUM + 10, pattern, address->host, (unsigned)address->port);
}
