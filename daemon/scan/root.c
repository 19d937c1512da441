/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scan/root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"

const char *root_state_to_string(enum root_state state) {
        switch (state) {
        case ROOT_OK:
                return "ok";
        case ROOT_MISSING:
                return "missing";
        case ROOT_UNREADABLE:
                return "unreadable";
        case ROOT_UNKNOWN:
        case _ROOT_STATE_MAX:
                break;
        }
        return NULL;
}

/* linux/magic.h has some of them, and its older releases not all. */
bool is_remote_filesystem(uint64_t f_type) {
        static const uint32_t remote[] = {
                0x6969,     /* NFS */
                0x517B,     /* SMB */
                0xFE534D42, /* SMB2 */
                0xFF534D42, /* CIFS */
                0x65735546, /* FUSE, virtiofs */
                0x00C36400, /* Ceph */
                0x5346414F, /* AFS */
                0x6B414653, /* kAFS */
                0x01021997, /* 9p */
                0x7461636F, /* OCFS2 */
                0x01161970, /* GFS2 */
                0x73757245, /* Coda */
                0x564C,     /* NCP */
                0x0BD00BD0, /* Lustre */
                0x47504653, /* GPFS */
                0x786F4256, /* VirtualBox shares */
        };

        for (size_t i = 0; i < ELEMENTSOF(remote); i++)
                if ((uint32_t)f_type == remote[i])
                        return true;
        return false;
}

int root_init(struct root *root, const char *path) {
        struct root r = {.mounts_fd = -1};

        r.path = strdup(path);
        if (!r.path)
                return -ENOMEM;
        r.mounts_fd = mounts_open();
        if (r.mounts_fd < 0) {
                int k = r.mounts_fd;

                free(r.path);
                return k;
        }
        *root = r;
        return 0;
}

void root_done(struct root *root) {
        free(root->path);
        free(root->real);
        mount_view_done(&root->mount);
        if (root->mounts_fd >= 0)
                close(root->mounts_fd);
        *root = (struct root){.mounts_fd = -1};
}

/* A path that leads elsewhere than before is a new beginning, not a changed mount. */
static int resolve(struct root *root) {
        char *real = realpath(root->path, NULL);

        if (!real && errno == ENOMEM)
                return -ENOMEM;
        if (!real)
                real = strdup(root->real ? root->real : root->path);
        if (!real)
                return -ENOMEM;
        if (root->real && strcmp(root->real, real) != 0)
                mount_view_done(&root->mount);
        free(root->real);
        root->real = real;
        return 0;
}

bool root_check_mounts(struct root *root) {
        struct mount_view view;

        if (!root->real || mounts_read(root->mounts_fd, root->real, &view) < 0)
                return root->mount_changed;
        if (root->mount.source && root->mount.hash != view.hash) {
                root->mount_changed = true;
                mount_view_done(&view);
        } else {
                mount_view_done(&root->mount);
                root->mount = view;
        }
        return root->mount_changed;
}

static enum root_state state_of_error(int error) {
        return error == ENOENT || error == ENOTDIR ? ROOT_MISSING : ROOT_UNREADABLE;
}

static int open_root(const struct root *root, struct statfs *ret) {
        _cleanup_close_ int fd = open(root->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        _cleanup_close_ int readable = -1;

        if (fd < 0)
                return -errno;
        if (fstatfs(fd, ret) < 0)
                return -errno;
        readable = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
        if (readable < 0 || faccessat(readable, ".", X_OK, AT_EACCESS) < 0)
                return -errno;
        return steal_fd(&fd);
}

static void note(struct root *root, int fd, const struct statfs *fs, bool *ret_changed) {
        enum root_state state = fd >= 0 ? ROOT_OK : state_of_error(-fd);
        int error = fd >= 0 ? 0 : -fd;
        char fsid[sizeof(root->fsid)] = "";
        bool remote = fd >= 0 && is_remote_filesystem((uint64_t)fs->f_type);

        if (fd >= 0 && !remote)
                snprintf(fsid, sizeof(fsid), "%08x%08x", (unsigned)fs->f_fsid.__val[0],
                         (unsigned)fs->f_fsid.__val[1]);
        *ret_changed =
                root->state != state || root->error != error ||
                (state == ROOT_OK && (strcmp(root->fsid, fsid) != 0 || root->remote != remote));
        root->state = state;
        root->error = error;
        if (state == ROOT_OK) {
                memcpy(root->fsid, fsid, sizeof(fsid));
                root->remote = remote;
        }
}

int root_open(struct root *root, bool *ret_changed) {
        _cleanup_close_ int fd = -1;
        struct statfs fs = {};
        int r = resolve(root);

        if (r < 0)
                return r;
        fd = open_root(root, &fs);
        /* After the descriptor: it can not lead to a mount that is newer than the list. */
        if (root_check_mounts(root))
                return -ESTALE;
        note(root, fd, &fs, ret_changed);
        return fd < 0 ? fd : steal_fd(&fd);
}
