/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by evidence.c (roots and messages), evidence-files.c (folders and files) and evidence-judge.c (what counts). */

#include <jansson.h>

#include "base/strmap.h"
#include "core/requirement.h"
#include "ipc/peer.h"
#include "service/evidence.h"

enum evfile_presence {
        EVFILE_PRESENT,
        EVFILE_MISSING,    /* gone since gone_since; keeps its slot for evidence.gone_after */
        EVFILE_REMEMBERED, /* from the store, its root not walked yet or not there: keeps its slot */
};

struct folder;

/* One file that matters: it lies in a folder of an instance, or the store remembers it. */
struct evfile {
        struct file file; /* path owned through path */
        char *path;
        int64_t id; /* row in the store; 0: none */
        enum evfile_presence presence;
        usec_t gone_since;
        struct folder *folder; /* NULL unless present */
        struct match_name name;
        bool ignored, link_out, explanation;
        bool matched; /* its name matches a requirement of an instance that covers it */
        bool queued;  /* for inspection */
        bool other;   /* nobody asked for it: among n_others */
        bool lonely;  /* … and to be looked for among the other tasks */
        size_t lonely_at;
        bool moved;                   /* its row has another path */
        bool pending;                 /* it is among its folder's and evidence's n_pending */
        size_t queue_at;              /* where it stands in to_inspect */
        bool fresh_seen;              /* arrived after the root's first walk: told as received */
        size_t instance, requirement; /* the slot it fills; instance SIZE_MAX: none */
        usec_t assigned_at;
        enum verdict told;         /* last verdict written down */
        enum verdict verdict;      /* of the last judgement, for people */
        size_t absent_at, slot_at; /* where it stands in absent and task_absent */
        unsigned mark;             /* visited in the pass of this number */
        size_t scratch;            /* index in the pass */
        size_t elsewhere; /* instance of another task that its name was meant for; SIZE_MAX: none */
};
struct evfile_list ARRAY(struct evfile *);
struct index_list ARRAY(size_t);

struct folder {
        char *path; /* owned; relative to the root, "" is the root itself */
        size_t root;
        struct evfile_list files;
        struct index_list
                covering; /* instances that look here, ascending: those of one task are together */
};
struct folder_list ARRAY(struct folder *);

struct inspection {
        uint64_t id;
        struct evfile *file;
};

/* A folder that can not be read. */
struct unreadable {
        char *path, *text; /* owned; text: path and reason */
        usec_t since;
};

#define MAX_UNREADABLE 1000 /* remembered for one root; more change nothing */

struct root {
        struct evidence *evidence;
        size_t index;
        const char *path;              /* borrowed from the model */
        struct peer *peer;             /* owned */
        struct strmap *folders;        /* path → struct folder, owned */
        char *state, *text, *identity; /* owned; identity: as stored */
        usec_t since;
        bool ok;     /* mounted, readable, the same as before */
        bool walked; /* a whole walk ended since it is ok */
        bool ever_walked; /* its first walk ended and settled; kept in the store: later files are told as received */
        bool busy;        /* the scanner touches a remote file system, and says when it is done */
        bool awaits_walk; /* the scanner is expected to say that a walk ended */
        uint64_t n_folders, n_files;
        char *limit; /* owned; NULL: none reached */
        usec_t limit_since;
        struct unreadable_list ARRAY(struct unreadable) unreadable;
        char *partial_path; /* folder whose listing is arriving; NULL: none */
        json_t *partial;
        struct evfile_list to_inspect; /* from next_to_inspect on; NULL: no longer wanted */
        size_t next_to_inspect;
        struct inspection running[16];
};

struct evidence {
        struct evidence_config config;
        struct evidence_callbacks callbacks;
        void *userdata;
        struct root *roots;
        size_t n_roots;
        struct name_rules *rules;         /* owned */
        struct strmap *dirs;              /* dir in NFC → struct index_list of instances */
        struct folder_list *task_folders; /* per task: folders of its instances */
        struct strmap *remembered;        /* "ROOT\nPATH" → struct evfile, not adopted yet */
        struct evfile_list
                absent; /* missing and remembered ones; evidence-absent.c keeps it and the three below */
        struct evfile_list *task_absent; /* per task: those of them that hold one of its slots */
        struct strmap *missing;          /* what a rename keeps → struct evfile */
        struct strmap *contents; /* SHA-256 in hex → a counted struct evfile with that content */
        size_t *task_first;      /* per task: index of its first instance; one more at the end */
        bool *task_dirty;
        size_t *task_waiting; /* per task: files in its folders that are to be inspected */
        bool any_dirty;
        size_t n_others;           /* files that match nothing: MAX_OTHERS are kept */
        struct evfile_list lonely; /* of those, the ones not looked for yet; NULL: no longer */
        size_t next_lonely;
        size_t n_pending;               /* files that match and are not settled, or not inspected */
        usec_t *unexplained_at;         /* per instance: its explanation is not there since; 0 */
        sd_event_source *pass, *expiry; /* owned */
        uint64_t last_inspection;
        unsigned mark;
        size_t n_held;  /* instances a pass would reopen, waiting for confirm */
        bool confirmed; /* the next pass may reopen any number */
};

/* evidence-files.c */
int evidence_index(struct evidence *e);
int evidence_remember(struct evidence *e); /* loads the store's files */
int folder_apply(struct root *root, const char *path, const json_t *files);
void folder_gone(struct root *root, const char *path);
void root_forget(struct root *root);    /* root is down: what it holds is remembered */
void root_reconcile(struct root *root); /* a walk ended: what was not found is missing */
void evfile_free(struct evidence *e, struct evfile *f);
void evidence_touch_task(struct evidence *e, const struct task *task);
void folder_touch(struct evidence *e, const struct folder *folder);
void folder_wait(struct evidence *e, const struct folder *folder,
                 int change); /* files to inspect */
struct stored_file evfile_row(const struct evidence *e, const struct evfile *f);

/* What a pass works out for one task, before anything is applied. */
struct ruling {
        const struct task *task;
        const struct instance **instances; /* owned array, in order of deadline */
        struct deadline *deadlines;        /* owned; per instance */
        size_t first;                      /* index of the first in the set */
        size_t n_instances;
        struct evfile_list files; /* present files in its folders, each once */
        struct file *copies;      /* owned; as assign_files() wants them */
        struct assignment *slots; /* owned */
        size_t n_slots;
        struct evfile_list kept; /* absent files that go on holding their slot */
        size_t *base;            /* owned; where an instance's requirements begin in have */
        uint32_t *have;          /* owned */
        usec_t *complete_at;     /* owned; per instance */
        bool *explained;         /* owned; per instance */
        size_t n_reopen;
        size_t n_reopen_soon; /* complete only by files that are missing */
        bool *leaning;        /* owned; per instance: among them */
        bool wait;            /* an inspection is out: judged when it is back */
};
struct ruling_list ARRAY(struct ruling);

/* evidence-absent.c */
int absent_add(struct evidence *e, struct evfile *f); /* presence, gone_since and slot are set */
void absent_remove(struct evidence *e, struct evfile *f);
void absent_release_slot(struct evidence *e, struct evfile *f); /* it no longer holds one */
int absent_turn_missing(struct evidence *e, struct evfile *f);
/** The record that an arriving file continues: the same path unchanged, or a file that was renamed; taken out. NULL: none. */
struct evfile *absent_take(struct evidence *e, size_t root, const char *path,
                           const struct file *seen);

/* evidence-judge.c */
int evidence_pass(struct evidence *e);
uint32_t *ruling_have(struct ruling *r, size_t instance, size_t requirement);

/* evidence-apply.c */
void content_drop(struct evidence *e, const struct evfile *f); /* it counts no longer */
int ruling_apply(struct evidence *e, struct ruling *r,
                 usec_t now); /* inside the pass's transaction */
struct track *evidence_track(const struct evidence *e, const struct instance *i);
/** A file does not count: a row in the ledger, and a notice. @more: the instance it was meant for, or NULL. */
int file_refused(struct evidence *e, struct evfile *f, const struct instance *in,
                 const struct instance *meant);
usec_t
explanations_expire(const struct evidence *e); /* when the first that went away is gone for good */

/* evidence-ask.c */
bool evidence_roots_walked(const struct evidence *e); /* all that are there */

/* evidence-other.c */
#define MAX_OTHERS                                                                                 \
        20000 /* of a million photographs nobody wants to read why each one does not count */
bool other_is_welcome(struct evidence *e, struct evfile *f); /* false: too many, forget it */
void other_drop(struct evidence *e, struct evfile *f);
void other_seen(struct evidence *e, struct evfile *f); /* it is there, as folder_see() found it */
/** Looks for files that lie in another task's folder, for a while. Inside the pass's transaction. Return: 1 all done, 0, -errno */
int others_look(struct evidence *e);

/* evidence-inspect.c */
void inspect_more(struct root *root); /* after something was queued or answered */
void inspection_answered(struct root *root, const json_t *m, uint64_t id);
void root_drop_inspections(struct root *root); /* nothing is asked of the scanner any more */
void evfile_queue_inspection(struct root *root, struct evfile *f);
void evfile_unqueue(struct evidence *e,
                    struct evfile *f); /* an answer that still comes is about nobody */
void evfile_account(struct evidence *e, struct evfile *f); /* after a change: is it pending? */

/* evidence.c */
void evidence_schedule(struct evidence *e);
void root_await_walk(struct root *root, bool awaits);
usec_t evidence_now(const struct evidence *e);
