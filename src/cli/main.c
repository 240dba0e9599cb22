#include "agent/agent.h"
#include "cli/backup/backup.h"
#include "cli/chaos/chaos.h"
#include "cli/cluster/cluster.h"
#include "cli/command.h"
#include "cli/demo/demo.h"
#include "cli/drill/drill.h"
#include "cli/gossip/gossip.h"
#include "server/server.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int help_run(int argc, char **argv);

static const struct cli_command commands[] = {
    {"server", "run a node",
     "usage: trothdb server [--config FILE] [--name value]...\n\n"
     "Runs one node in the foreground until SIGTERM. With an empty directory and no\n"
     "--join it founds a cluster of one and serves within a second. With --join it\n"
     "waits as a spare until it is adopted. `trothdb server --help` lists every\n"
     "setting.\n\n"
     "    trothdb server --dir /var/lib/trothdb --port 7001\n"
     "    trothdb server --dir /tmp/b --port 7002 --join 127.0.0.1:17001\n",
     server_run},
    {"agent", "run a member of gossip without data",
     "usage: trothdb agent [--name N] [--join HOST:PORT,...] [--tag KEY=VALUE]...\n"
     "                     [--name value]...\n\n"
     "Runs a member of gossip that holds no data, in the foreground until SIGTERM,\n"
     "on which it says goodbye. Clients of Redis ask it who is there and hear what\n"
     "changes. `trothdb agent --help` lists its flags.\n\n"
     "    trothdb agent --name web-1 --join 127.0.0.1:17001 --tag role=web\n"
     "    redis-cli -p 7002 gossip members tag role web\n",
     agent_run},
    {"members", "who is in the cluster, by gossip",
     "usage: trothdb members [--at 127.0.0.1:7001] [--state S] [--tag KEY=VALUE]\n"
     "                       [--watch] [--json]\n\n"
     "Asks a node or an agent, by its client port, whom it knows: name, id, kind,\n"
     "addresses, state and since when, zone, round trip and tags. States are alive,\n"
     "suspect, dead, left and joining. --watch goes on with a line for every change,\n"
     "--json writes one array (and with --watch an object a line behind it). Exit\n"
     "code 0: asked, 1: nobody answers, 2: wrong usage.\n\n"
     "    trothdb members --at 127.0.0.1:7002 --tag role=web\n"
     "    trothdb members --watch\n",
     members_run},
    {"gossip", "read and say what members say of themselves",
     "usage: trothdb gossip get MEMBER [KEY]      what a member says, or one key of it\n"
     "       trothdb gossip set KEY VALUE         the member asked says this to all\n"
     "       trothdb gossip del KEY...            and no more; how many there were\n"
     "       trothdb gossip watch                 every change, a line each\n"
     "       trothdb gossip rtt MEMBER [MEMBER]   the round trip to it, or between two\n"
     "       trothdb gossip info                  members by state, counters, settings\n"
     "       trothdb gossip seed HOST:PORT        joins what is known at a peer port\n"
     "       trothdb gossip leave                 an agent says goodbye and ends\n"
     "       trothdb gossip keys list|rotate|add FILE|use ID|remove ID\n"
     "                                            the cluster keys of all members\n"
     "All take [--at 127.0.0.1:7001] [--json].\n\n"
     "--at is the client port of a node or an agent. MEMBER is a name, or an id of\n"
     "which the first 8 digits are enough. What is set lives as long as the process;\n"
     "a key has up to 64 bytes, a value up to 800, and up to 112 keys may be set at\n"
     "a member. A KEY or VALUE that begins with -- stands behind a bare --.\n\n"
     "`keys` asks all members first. `keys rotate` makes a new key and brings it in\n"
     "without a pause; `rotate` and `add` want --cluster-key-file FILE, the key in\n"
     "use, with which the new one travels sealed (and --cluster-name, if it has\n"
     "one); --partial goes on without members that do not answer.\n\n"
     "Exit code 0: done, 1: refused, not there or nobody answers, 2: wrong usage.\n\n"
     "    trothdb gossip set release 2.4.1 --at 127.0.0.1:7002\n"
     "    trothdb gossip get web-1 port\n",
     gossip_run},
    {"cluster", "make a cluster, change it, look at it",
     "usage: trothdb cluster create HOST:PORT... [--shards 12] [--replicas 3]\n"
     "       trothdb cluster status [HOST:PORT]\n"
     "       trothdb cluster add HOST:PORT --at HOST:PORT\n"
     "       trothdb cluster replicas SHARD HOST:PORT[,HOST:PORT...] --at HOST:PORT\n"
     "       trothdb cluster leader SHARD HOST:PORT --at HOST:PORT\n"
     "       trothdb cluster remove HOST:PORT --at HOST:PORT\n"
     "       trothdb cluster replace HOST:PORT HOST:PORT --at HOST:PORT\n"
     "       trothdb cluster recover HOST:PORT[,HOST:PORT...] [--dry-run] [--yes]\n"
     "       trothdb cluster set NAME VALUE [NAME VALUE...] --at HOST:PORT\n"
     "       trothdb cluster unset NAME [NAME...] --at HOST:PORT\n"
     "       trothdb cluster settings [PATTERN] [--all] [--at HOST:PORT]\n"
     "All take [--json], and those that change something [--wait SECONDS].\n\n"
     "Addresses are client ports; --at is any node of the cluster. `status` and\n"
     "`settings` ask 127.0.0.1:7001 where nobody is named. A password is taken from\n"
     "the environment's TROTHDB_PASSWORD.\n\n"
     "`create` gives spare nodes (started with --join) one agreed topology: the\n"
     "slots are dealt to the shards, the shards' replicas to the nodes in the order\n"
     "given. It is refused where a node belongs to a cluster already, or does not\n"
     "answer within --wait seconds (15), and changes nothing then. It returns when\n"
     "every node sees a leader for every shard. `status` asks one node who is there,\n"
     "then every node how its replicas are.\n\n"
     "`add` takes a spare into the cluster of the node given with --at. `replicas`\n"
     "says which nodes shall hold a shard, the preferred leader first: new ones copy\n"
     "the data before they vote, and those left out go when the others vote without\n"
     "them; so a dead node is replaced too, while a majority of the shard is alive.\n"
     "`leader` gives the lead of a shard to another of its replicas, which is its\n"
     "preferred leader from then on; writes wait for a moment, and none is lost.\n"
     "`remove` takes a node out: other nodes take what it holds, and if one shard\n"
     "finds no place nothing is changed. `replace` has one node take the place of\n"
     "another. All five return when it is done, or after --wait seconds (600); the\n"
     "cluster goes on with it in any case.\n\n"
     "`recover` is for shards whose majority is lost for good: name the nodes that\n"
     "are left; it says what is kept and what may be lost, asks, and goes on from\n"
     "what they have.\n\n"
     "`set` changes settings of all nodes, all that are named or none; the cluster\n"
     "keeps them, and nodes that were away or join later take them too. What CONFIG\n"
     "SET said on a node comes before them there, and they come before the node's\n"
     "file. It is refused, with the node's name, where a node's own settings do not\n"
     "go with it. `unset` takes them back. `settings` shows what may change and is\n"
     "not built in, what decides it (node, cluster, file) and on which nodes; with a\n"
     "pattern or --all every setting.\n\n"
     "Exit code 0: done, 1: failed, 2: wrong usage.\n\n"
     "    trothdb cluster create 127.0.0.1:7001 127.0.0.1:7002 127.0.0.1:7003\n"
     "    trothdb cluster status 127.0.0.1:7001\n"
     "    trothdb cluster add 127.0.0.1:7004 --at 127.0.0.1:7001\n"
     "    trothdb cluster replicas 3 127.0.0.1:7001,127.0.0.1:7004 --at 127.0.0.1:7001\n"
     "    trothdb cluster leader 3 127.0.0.1:7004 --at 127.0.0.1:7001\n"
     "    trothdb cluster set heartbeat-ms 20 --at 127.0.0.1:7001\n",
     cluster_run},
    {"chaos", "real agents, a faulty network, and what became of the news",
     "usage: trothdb chaos [--scenario FILE] [--agents N] [--report FILE] [--json]\n"
     "                     [--seed 1]\n"
     "       trothdb chaos --find-largest [--goal '95% of news within 10s']\n"
     "                     [--agents-max 1000] [--seed 1] [--json]\n\n"
     "Starts agents on this machine, each a process of its own, and does to them\n"
     "what the scenario says: kills, stops, restarts and joins them, cuts, loses,\n"
     "delays and duplicates what they send each other, and has them tell news. Then\n"
     "it says how long news and deaths took to be known, who was accused wrongly and\n"
     "what it cost, as a table, and with --report as one HTML page with plots. A\n"
     "scenario is a short text, one statement a line:\n\n"
     "    agents 50\n"
     "    messages 20/s\n"
     "    at 10s kill 1\n"
     "    at 20s loss 20% for 10s\n"
     "    at 40s split 50%/50% for 30s\n"
     "    expect deaths within 10s\n"
     "    expect no false deaths\n\n"
     "--find-largest looks for the largest cluster at default settings that meets\n"
     "the goal on this machine, and says which limit was met first. Exit code 0: as\n"
     "expected, 1: not, or it could not be run, 2: wrong usage, or a scenario that\n"
     "means nothing, with its line.\n\n"
     "    trothdb chaos --scenario lossy.txt --report lossy.html\n"
     "    trothdb chaos --find-largest --goal '95% of news within 1s' --agents-max 300\n",
     chaos_run},
    {"check", "verify every byte of a stopped node's directory",
     "usage: trothdb check DIR [--json]\n\n"
     "Reads a node's whole directory (its --dir): identity, topology, each worker's\n"
     "log, and the snapshots that the logs name, which are unpacked whole. Says what\n"
     "is wrong, where, and what to do. Nothing is written. The node must be stopped.\n"
     "A torn tail of a log is what a killed node leaves; it is told and is no\n"
     "damage. Exit code 0: sound, 1: damaged, 2: wrong usage, or nothing that could\n"
     "be checked.\n\n"
     "    trothdb check /var/lib/trothdb\n"
     "    trothdb check /var/lib/trothdb --json\n",
     check_run},
    {"backup", "look at backups, and have them brought up to date",
     "usage: trothdb backup list --to URL [--endpoint URL] [--region NAME] [--json]\n"
     "       trothdb backup check --to URL [--endpoint URL] [--region NAME] [--json]\n"
     "       trothdb backup now HOST:PORT [--wait 60] [--json]\n\n"
     "The nodes make backups by themselves where their setting backup-to names a\n"
     "place: a directory, or s3://BUCKET/PREFIX (credentials: AWS_ACCESS_KEY_ID and\n"
     "AWS_SECRET_ACCESS_KEY of the environment). `list` tells what is there, `check`\n"
     "reads all of it and tells what is damaged or missing, `now` has every shard of\n"
     "the running cluster backed up as it is and waits for that. Exit code 0: done,\n"
     "or sound; 1: failed, or damaged; 2: wrong usage.\n\n"
     "    trothdb backup now 127.0.0.1:7001\n"
     "    trothdb backup list --to /var/backups/trothdb\n",
     backup_run},
    {"restore", "make a new cluster out of a backup",
     "usage: trothdb restore --from URL --dir DIR [--to WHEN] [--cluster ID]\n"
     "                       [--workers 1] [--endpoint URL] [--region NAME] [--json]\n\n"
     "Writes the directory of one node that holds all data of the backed-up cluster,\n"
     "under a new cluster id. Start it with `trothdb server --dir DIR` and grow it\n"
     "with `trothdb cluster add` and `trothdb cluster replicas`. WHEN is `latest`, a\n"
     "time (2026-11-21T10:00:00Z, with milliseconds if you like, or Unix\n"
     "milliseconds), or SHARD:INDEX[,SHARD:INDEX...] for single shards, the others\n"
     "then up to the latest. All up to and including WHEN is restored, and it is\n"
     "told for each shard up to where that came. Exit code 0: done, 1: failed, 2:\n"
     "wrong usage.\n\n"
     "    trothdb restore --from /var/backups/trothdb --dir /var/lib/trothdb-again\n"
     "    trothdb restore --from s3://backups/db --dir then --to 2026-11-21T10:00:00Z\n",
     restore_run},
    {"demo", "three nodes, real data, a killed leader, nothing lost",
     "usage: trothdb demo [--nodes 3] [--port 7001] [--dir D] [--keep] [--rows N]\n\n"
     "Starts nodes on this machine, makes a cluster of them, loads the Debian\n"
     "package index into it, kills the node that leads most shards in the middle of\n"
     "that, reads every acknowledged row back and restarts the killed node. Client\n"
     "ports are --port and those behind it, peer ports 10000 and admin ports 2000\n"
     "higher. Everything is in a throw-away directory (or --dir, which must be empty\n"
     "or absent) and is removed at the end, unless --keep. On a terminal the cluster\n"
     "stays until Ctrl-C. Exit code 0: nothing was lost, 1: something went wrong, 2:\n"
     "wrong usage.\n\n"
     "    trothdb demo\n"
     "    trothdb demo --nodes 5 --port 8001 --rows 10000\n",
     demo_run},
    {"drill", "real nodes killed, stopped and slowed down; nothing may be lost",
     "usage: trothdb drill [--nodes 3] [--port 7301] [--dir D] [--keep] [--short]\n"
     "                     [--json]\n\n"
     "Starts nodes on this machine, and writers and readers that check every answer.\n"
     "Then leaders are killed, a leader is stopped and goes on, its disk becomes 20\n"
     "ms slower, all nodes are killed at once, a node's disk is filled and emptied\n"
     "again, and each is restarted in turn. Every step is a line: when, what, the\n"
     "longest time in which some writer had no write acknowledged, how many were,\n"
     "and who leads then. In the end every key is read back. It takes some 30 s,\n"
     "--short some 10 s. Exit code 0: nothing was lost and no read was stale, 1:\n"
     "something was, or the cluster did not go on, 2: wrong usage.\n\n"
     "    trothdb drill --short\n",
     drill_run},
    {"version", "print the version",
     "usage: trothdb version\n\n"
     "Prints the version of this program.\n\n"
     "    trothdb version\n",
     version_run},
    {"help", "explain a command",
     "usage: trothdb help [command]\n\n"
     "Explains a command, or lists them all.\n\n"
     "    trothdb help server\n",
     help_run},
    {NULL, NULL, NULL, NULL},
};

static int help_run(int argc, char **argv) { return help_print(commands, argc, argv); }

static bool is_help(const char *word) {
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* Wherever it stands: who has forgotten a flag adds this one to the line that is there already.
 * `server` and `agent` explain themselves, with all settings. */
static bool is_explained_here(const struct cli_command *command, int argc, char **argv) {
    bool is_asked = false;
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        is_asked |= is_help(argv[i]);
    return is_asked && command->run != server_run && command->run != agent_run;
}

/* A descriptor that the caller closed would be given to the next file or socket, and what is said
 * on it would be written there: a log line into the log of a node. What stands there now refuses
 * writes, so that output is missed. */
static bool open_standard_streams(void) {
    int descriptor;
    do
        descriptor = open("/dev/null", O_RDONLY);
    while (descriptor >= 0 && descriptor <= STDERR_FILENO);
    return descriptor >= 0 && close(descriptor) == 0;
}

static int run(int argc, char **argv) {
    if (argc < 2) {
        help_run(0, NULL);
        return EXIT_USAGE;
    }
    const char *name = argv[1];
    if (is_help(name))
        name = "help";
    if (strcmp(name, "--version") == 0 || strcmp(name, "-v") == 0)
        name = "version";
    const struct cli_command *command = cli_command_find(commands, name);
    if (command == NULL) {
        fprintf(stderr, "trothdb: there is no command '%s'; `trothdb help` lists them\n", name);
        return EXIT_USAGE;
    }
    if (is_explained_here(command, argc - 2, argv + 2))
        return help_run(1, argv + 1);
    return command->run(argc - 2, argv + 2);
}

/* Commands that clear away after themselves hear of a reader that has gone by a signal that they
 * read, and have told of it. */
static bool has_told_of_reader(int code) {
    sigset_t blocked;
    return code && sigprocmask(SIG_BLOCK, NULL, &blocked) == 0 && sigismember(&blocked, SIGPIPE);
}

int main(int argc, char **argv) {
    if (!open_standard_streams())
        return EXIT_FAILED;
    int code = run(argc, argv);
    errno = 0;
    bool is_written = fflush(stdout) == 0 && !ferror(stdout);
    if (is_written || has_told_of_reader(code))
        return code;
    fprintf(stderr, "trothdb: the output could not be written%s%s\n", errno ? ": " : "",
            errno ? strerror(errno) : "");
    return code ? code : EXIT_FAILED;
}
