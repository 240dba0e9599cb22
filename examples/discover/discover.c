/* Service discovery with libtroth-gossip, without a server to ask: every process says where it
 * serves, and sees at once who else does, who left, and who died.
 *
 *     ./discover web-1 127.0.0.1:7946
 *     ./discover web-2 127.0.0.1:7947 127.0.0.1:7946
 *
 * A line of input is said as this process's "status"; the end of input is a goodbye. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <troth-gossip.h>
#include <unistd.h>

/* Called from within troth_gossip_udp_run(): something is news. */
static void on_change(void *context, const struct troth_gossip_change *change) {
    const struct troth_gossip_member *member = &change->member;
    (void)context;
    if (member->is_self)
        return;
    switch (change->kind) {
    case TROTH_GOSSIP_CHANGE_JOINED:
    case TROTH_GOSSIP_CHANGE_STATE:
        printf("%s is %s\n", member->name, troth_gossip_state_text(member->state));
        break;
    case TROTH_GOSSIP_CHANGE_KEY:
        printf("%s says %.*s = %.*s\n", member->name, (int)change->key.length,
               (const char *)change->key.data, (int)change->value.length,
               (const char *)change->value.data);
        break;
    case TROTH_GOSSIP_CHANGE_ADDRESS:
        printf("%s is at %s:%u now\n", member->name, member->address.host, member->address.port);
        break;
    case TROTH_GOSSIP_CHANGE_NAME_CONFLICT:
        printf("another %s lives at %s:%u\n", member->name, member->address.host,
               member->address.port);
        break;
    }
    fflush(stdout);
}

/* Says the next line of input; false at its end. */
static bool say_line(struct troth_gossip_udp *udp) {
    char line[256];
    ssize_t length = read(STDIN_FILENO, line, sizeof line);
    if (length <= 0)
        return false;
    if (line[length - 1] == '\n')
        length--;
    if (length > 0 && troth_gossip_udp_set(udp, "status", line, (size_t)length) != 0)
        fprintf(stderr, "discover: this cannot be said\n");
    return true;
}

static void list_members(struct troth_gossip_udp *udp) {
    struct troth_gossip *gossip = troth_gossip_udp_gossip(udp);
    struct troth_gossip_member member;
    for (size_t i = 0; troth_gossip_member_at(gossip, i, &member); i++)
        printf("%-8s %-7s %s:%u\n", member.name, troth_gossip_state_text(member.state),
               member.address.host, member.address.port);
}

int main(int argc, char **argv) {
    char problem[TROTH_GOSSIP_PROBLEM_BYTES];
    struct troth_gossip_udp *udp;
    if (argc < 3) {
        fprintf(stderr, "usage: discover NAME ADDRESS:PORT [JOIN [KEY-FILE]]\n");
        return 2;
    }
    struct troth_gossip_udp_options options = {.name = argv[1],
                                               .bind = argv[2],
                                               .join = argc > 3 ? argv[3] : NULL,
                                               .key_file = argc > 4 ? argv[4] : NULL,
                                               .changed = on_change};
    if (troth_gossip_udp_open(&options, &udp, problem, sizeof problem) != 0) {
        fprintf(stderr, "discover: %s\n", problem);
        return 1;
    }
    for (bool is_open = true; is_open;) {
        struct pollfd wait[] = {{.fd = troth_gossip_udp_fd(udp), .events = POLLIN},
                                {.fd = STDIN_FILENO, .events = POLLIN}};
        if (poll(wait, 2, troth_gossip_udp_timeout_ms(udp)) < 0)
            break;
        if (troth_gossip_udp_run(udp, 0) != 0)
            break;
        if (wait[1].revents != 0)
            is_open = say_line(udp);
    }
    troth_gossip_udp_leave(udp);
    list_members(udp);
    troth_gossip_udp_close(udp);
    return 0;
}
