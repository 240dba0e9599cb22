#include "cli/drill/drill_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BALLAST_PIECE_BYTES = 1 << 16, MAP_BYTES = 64 };

static int refuse(struct drill_disk *disk, const char *what, int error) {
    snprintf(disk->problem, sizeof disk->problem, "%s: %s", what, strerror(errno));
    disk->directory[0] = '\0';
    return error;
}

/* ---- the namespace ---- */

static bool write_file(const char *name, const char *text) {
    int file = open(name, O_WRONLY | O_CLOEXEC);
    bool is_written = file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text);
    if (file >= 0)
        close(file);
    return is_written;
}

/* Without the right to mount, a user namespace in which this user has it. */
static bool enter_namespace(void) {
    unsigned user = geteuid(), group = getegid();
    char map[MAP_BYTES];
    if (unshare(CLONE_NEWNS) == 0)
        return true;
    if (errno != EPERM || unshare(CLONE_NEWUSER | CLONE_NEWNS))
        return false;
    snprintf(map, sizeof map, "%u %u 1\n", user, user);
    bool is_mapped = write_file("/proc/self/uid_map", map);
    snprintf(map, sizeof map, "%u %u 1\n", group, group);
    return is_mapped && write_file("/proc/self/setgroups", "deny\n") &&
           write_file("/proc/self/gid_map", map);
}

int drill_disk_mount(struct drill_disk *disk, const char *directory) {
    char options[MAP_BYTES];
    snprintf(options, sizeof options, "size=%d,mode=700", DRILL_DISK_BYTES);
    if (!enter_namespace() || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
        return refuse(disk, "a mount namespace", ERR_REFUSED);
    if (mkdir(directory, 0700))
        return refuse(disk, directory, ERR_REFUSED);
    if (mount("trothdb-drill", directory, "tmpfs", MS_NOSUID | MS_NODEV, options))
        return refuse(disk, "a file system of 64 MB", ERR_REFUSED);
    snprintf(disk->directory, sizeof disk->directory, "%s", directory);
    return 0;
}

void drill_disk_release(struct drill_disk *disk) {
    if (disk->directory[0]) {
        umount2(disk->directory, MNT_DETACH);
        disk->directory[0] = '\0';
    }
}

/* ---- the ballast ---- */

static int ballast_open(const struct drill_disk *disk, int flags) {
    int directory = open(disk->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int file = directory < 0 ? -1 : openat(directory, "ballast", flags | O_CLOEXEC, 0600);
    if (directory >= 0)
        close(directory);
    return file;
}

int drill_disk_fill(struct drill_disk *disk) {
    static const char piece[BALLAST_PIECE_BYTES];
    int file = ballast_open(disk, O_WRONLY | O_CREAT | O_APPEND);
    if (file < 0)
        return refuse(disk, "the ballast", ERR_IO);
    for (size_t length = sizeof piece; length > 0;) {
        ssize_t written = write(file, piece, length);
        length = written > 0 ? length : length / 2;
    }
    close(file);
    return 0;
}

int drill_disk_empty(struct drill_disk *disk) {
    int file = ballast_open(disk, O_WRONLY | O_TRUNC);
    if (file < 0)
        return refuse(disk, "the ballast", ERR_IO);
    close(file);
    return 0;
}
