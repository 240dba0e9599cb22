#include "library/seeds.h"
#include "io/socket_address.h"
#include <netdb.h>

static int seeds_add(struct udp_seeds *seeds, const struct net_address *address,
                     struct buffer *problem) {
    if (seeds->count == UDP_SEEDS_MAXIMUM) {
        buffer_append_format(problem, "join: more than %d addresses", UDP_SEEDS_MAXIMUM);
        return ERR_LIMIT;
    }
    seeds->addresses[seeds->count++] = *address;
    return 0;
}

/* Of what the name stands for, at most `share` addresses. */
static int look_up(struct udp_seeds *seeds, const struct net_name *seed, unsigned share,
                   struct buffer *problem) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM}, *found;
    int code = getaddrinfo(seed->host, NULL, &hints, &found);
    if (code != 0) {
        buffer_append_format(problem, "join: the name '%s' cannot be looked up: %s", seed->host,
                             gai_strerror(code));
        return ERR_IO;
    }
    for (struct addrinfo *answer = found; answer != NULL && share > 0 && code == 0;
         answer = answer->ai_next) {
        struct net_address address;
        socket_address_to_net(answer->ai_addr, &address);
        address.port = seed->port;
        code = seeds_add(seeds, &address, problem);
        share--;
    }
    freeaddrinfo(found);
    return code;
}

static int seeds_take(struct udp_seeds *seeds, const char *text, size_t length, unsigned share,
                      struct buffer *problem) {
    struct net_address address;
    struct net_name seed;
    if (net_address_parse(&address, bytes_of(text, length)) == 0)
        return seeds_add(seeds, &address, problem);
    int code = net_name_parse(&seed, bytes_of(text, length));
    return code == 0 ? look_up(seeds, &seed, share, problem) : code;
}

/* A service may stand for hundreds of members, of which a few are enough; and none of several names
 * takes the places of the others. */
static unsigned share_of_each(const char *join) {
    unsigned count = 1;
    for (const char *at = join; *at != 0; at++)
        count += *at == ',';
    return count < UDP_SEEDS_MAXIMUM ? UDP_SEEDS_MAXIMUM / count : 1;
}

/* All of it is looked at before any name is looked up. */
static int check(const char *join, struct buffer *problem) {
    for (size_t length; *join != 0; join += length + (join[length] == ',')) {
        struct net_address address;
        struct net_name seed;
        length = strcspn(join, ",");
        if (net_address_parse(&address, bytes_of(join, length)) == 0 ||
            net_name_parse(&seed, bytes_of(join, length)) == 0)
            continue;
        buffer_append_format(problem, "join: '%.*s' is not host:port, as in 10.0.0.1:7946",
                             (int)(length < 80 ? length : 80), join);
        return ERR_INVALID;
    }
    return 0;
}

int udp_seeds_find(struct udp_seeds *seeds, const char *join, struct buffer *problem) {
    seeds->count = 0;
    int worst = check(join, problem);
    unsigned share = share_of_each(join);
    if (worst != 0)
        return worst;
    for (size_t length; *join != 0; join += length + (join[length] == ',')) {
        length = strcspn(join, ",");
        buffer_clear(problem);
        int code = seeds_take(seeds, join, length, share, problem);
        if (code == ERR_LIMIT)
            return code;
        worst = code != 0 ? code : worst;
    }
    return worst;
}
