/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Shared by evidence.c (roots and messages), evidence-folders.c (listings), evidence-files.c and evidence-absent.c (what is
 * known of each file), evidence-judge.c (what counts) and evidence-apply.c (what follows).
 */

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

#define NOWHERE UINT32_MAX /* no instance; no place in a list */

/* One file that matters: it lies in a folder of an instance, or the store remembers it. There may be a million: kept small. */
struct evfile {
        struct file file; /* path owned */
        int64_t id;       /* row in the store; 0: none */
        usec_t gone_since, assigned_at;
        struct folder *folder; /* NULL unless present */
        struct evfile *same;   /* the next in its bucket of contents */
        union { /* the needs of its folder that its name matches; see evfile_asked() */
                uint64_t bits;
                uint64_t *more; /* owned; where the folder has more than 64 needs */
        } asked;
        uint32_t instance, requirement; /* the slot it fills; instance NOWHERE: none */
        uint32_t
                elsewhere; /* instance of another task that its name was meant for; NOWHERE: none */
        uint32_t changed_at, queue_at, lonely_at; /* places in these lists; NOWHERE: not in it */
        uint32_t absent_at, slot_at;              /* where it stands in absent and task_absent */
        uint32_t mark;                            /* number of the pass part that visited it */
        uint8_t flags;                            /* as the scanner told them */
        enum evfile_presence presence : 2;
        enum verdict told : 8;    /* last verdict written down */
        enum verdict verdict : 8; /* of the last judgement, for people */
        bool bad_name : 1, ignored : 1, link_out : 1, explanation : 1;
        bool matched : 1;    /* its name matches a requirement of an instance that covers it */
        bool queued : 1;     /* for inspection */
        bool ahead : 1;      /* so, but not settled when it was asked for */
        bool other : 1;      /* nobody asked for it: among n_others */
        bool counted : 1;    /* among contents */
        bool gone_saved : 1; /* the store knows that it is away */
        bool moved : 1;      /* its row has another path */
        bool pending : 1;    /* it is among evidence's n_pending */
        bool fresh_seen : 1; /* arrived after the root's first walk: told as received */
        bool closed : 1;     /* it counts and can not be read: among unreadable_files */
};
struct evfile_list ARRAY(struct evfile *);
struct index_list ARRAY(size_t);

/* An instance that looks into a folder. */
struct cover {
        uint32_t instance;
        uint32_t need; /* where its requirements begin among the folder's needs */
};

struct folder {
        char *path; /* owned; relative to the root, "" is the root itself */
        uint32_t root;
        uint32_t n_needs; /* requirements of all that look here */
        struct evfile_list files;
        struct cover_list
                ARRAY(struct cover) covering; /* ascending: those of one task are together */
};
struct folder_list ARRAY(struct folder *);

struct inspection {
        uint64_t id;
        struct evfile *file;
};

/* Files that wait to be asked for. */
struct inspect_line {
        struct evfile_list files; /* from next on; NULL: no longer wanted */
        size_t next;
};

/* A folder that can not be read, or a file that counts and can no longer be read. */
struct unreadable {
        char *path, *text; /* owned; text: path and reason */
        usec_t since;
};
struct unreadable_list ARRAY(struct unreadable);

#define MAX_RUNNING                                                                                \
        256u /* inspections asked for at a time: what keeps a scanner busy during a pass */
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
        struct unreadable_list unreadable, unreadable_files;
        char *partial_path; /* folder whose listing is arriving; NULL: none */
        json_t *partial;
        struct inspect_line to_inspect; /* settled files */
        struct inspect_line read_ahead; /* others, asked for when none of those waits */
        uint64_t last_inspection;
        struct inspection running[MAX_RUNNING]; /* by id, the next one over the oldest */
        usec_t waits_from; /* in a pass: what was received before is looked into, all of it */
};

/* A file that fills a slot and was moved to where its instance does not look. */
struct stray {
        struct evfile *file;
        uint32_t instance;
        char *was; /* owned; its path when it was seen there last */
};
struct stray_list ARRAY(struct stray);

struct evidence {
        struct evidence_config config;
        struct evidence_callbacks callbacks;
        void *userdata;
        struct root *roots;
        size_t n_roots;
        struct name_rules *rules;         /* owned */
        struct strmap *dirs;              /* dir in NFC → struct index_list of instances */
        struct folder_list *task_folders; /* per task: folders of its instances */
        uint64_t seed;                    /* of hashes over names and contents */

        /* evidence-absent.c */
        struct strmap *remembered;       /* "ROOT\nPATH" → struct evfile, not adopted yet */
        struct evfile_list absent;       /* missing and remembered ones */
        struct evfile_list *task_absent; /* per task: those of them that hold one of its slots */
        struct strmap *missing;          /* what a rename keeps → struct evfile */
        usec_t absent_due;               /* when the first of the missing is gone for good */
        struct stray_list strays;        /* since the last pass that judged their tasks */

        /* evidence-contents.c */
        struct evfile **contents; /* owned; buckets of counted files by content, a power of two */
        size_t n_contents, n_buckets;

        /* Of each task, and what its last pass left: the next one begins there unless all is to be judged anew. */
        size_t *task_first;               /* index of its first instance; one more at the end */
        bool *task_all;                   /* judge all of its files */
        struct evfile_list *task_changed; /* in a pass: files to be judged */
        size_t *first_need;               /* per instance: where its requirements begin in filled */
        uint32_t *filled;                 /* per requirement: slots that present files fill */
        usec_t *filled_at;                /* per instance: received-at of the latest of them */
        usec_t *explained_at; /* per instance: received-at of the latest explanation; 0: none */
        usec_t *deadlines;    /* per instance: deadline instant that its files were judged by */

        struct evfile_list changed; /* files that the next pass judges; NULL: no longer */
        bool any_dirty;
        size_t n_others;           /* files that match nothing: MAX_OTHERS are kept */
        struct evfile_list lonely; /* of those, the ones not looked for yet; NULL: no longer */
        size_t next_lonely;
        size_t n_pending;               /* files that match and are not settled, or not inspected */
        usec_t *unexplained_at;         /* per instance: its explanation is not there since; 0 */
        sd_event_source *pass, *expiry; /* owned */
        usec_t rest_until;              /* no pass before; monotonic */
        uint32_t mark, claims; /* claims: of files that a task worked out in this pass is given */
        size_t n_held;         /* instances a pass would reopen, waiting for confirm */
        bool confirmed;        /* the next pass may reopen any number */
};

/* evidence-folders.c */
int evidence_index(struct evidence *e); /* which instances look where */
int folder_apply(struct root *root, const char *path, const json_t *files);
int folder_settled(struct root *root, const char *path,
                   const json_t *files); /* some of its files have */
void folder_gone(struct root *root, const char *path);
void root_forget(struct root *root);    /* root is down: what it holds is remembered */
void root_reconcile(struct root *root); /* a walk ended: what was not found is missing */
void evidence_touch_task(struct evidence *e, const struct task *task); /* judge all of it */
void folder_touch(struct evidence *e, const struct folder *folder);
/** The next task that looks here; *@cursor starts at 0. NULL: no more */
const struct task *folder_next_task(const struct evidence *e, const struct folder *folder,
                                    size_t *cursor);
/** The first of the entries in covering from instance @first on. */
size_t folder_covering(const struct folder *folder, size_t first);
bool folder_covers(const struct folder *folder, size_t instance);

/* evidence-files.c */
int evidence_remember(struct evidence *e); /* loads the store's files */
struct evfile *evfile_new(const struct evidence *e, size_t root, const char *path); /* copied */
void evfile_free(struct evidence *e, struct evfile *f);
void evfile_destroy(struct evfile *f); /* its memory alone: all of the evidence goes */
int evfile_classify(struct evidence *e, struct evfile *f); /* by its name, where it lies */
bool evfile_asked(const struct evfile *f, size_t need);
/** It is there, as a listing says. @now: of the listing */
void evfile_see(struct root *root, struct evfile *f, const struct file *seen, uint8_t flags,
                usec_t now);
/** It is no longer where it was: kept for a while, freed when nothing is known of it. */
void evfile_leave(struct evidence *e, struct evfile *f, enum evfile_presence presence);
bool evfile_is_nobodys(
        const struct evfile *f); /* no requirement asks for it, nothing is written down of it */
void evfile_changed(struct evidence *e, struct evfile *f); /* to be judged */
void evfile_judged(struct evidence *e, struct evfile *f);  /* or no longer */
struct stored_file evfile_row(const struct evidence *e, const struct evfile *f);

/* A file that was counted for an instance of the set and is no longer. */
struct loss {
        struct evfile *file;
        size_t instance;
        char *was; /* owned; its path then, where it was moved to another instance; NULL */
};
struct loss_list ARRAY(struct loss);

/* What a pass works out for one task, before anything is applied. */
struct ruling {
        const struct task *task;
        const struct instance **instances; /* owned array, in order of deadline */
        struct deadline *deadlines;        /* owned; per instance */
        size_t first;                      /* index of the first in the set */
        size_t n_instances, n_needs;
        bool all;                 /* of all its files, not only of those that changed */
        struct evfile_list files; /* the present ones that were judged, each once */
        struct file *copies;      /* owned; as assign_files() wants them */
        struct assignment *slots; /* owned */
        size_t n_slots;
        struct evfile_list kept; /* absent files that go on holding their slot */
        uint32_t *filled;        /* owned; per requirement: slots that present files fill */
        uint32_t *have;          /* owned; the same with the absent ones that are kept */
        usec_t *filled_at;    /* owned; per instance: received-at of the latest that fills a slot */
        usec_t *complete_at;  /* owned; per instance; 0: not complete */
        usec_t *explained_at; /* owned; per instance: received-at of the latest explanation; 0 */
        struct evfile *
                *explanations; /* owned; per instance: which; NULL where it is the one of before */
        struct loss_list lost;
        size_t n_reopen;
        size_t n_reopen_soon; /* complete only by files that are missing */
        bool *leaning;        /* owned; per instance: among them */
};
struct ruling_list ARRAY(struct ruling);

/* evidence-absent.c */
int absent_add(struct evidence *e, struct evfile *f); /* presence, gone_since and slot are set */
void absent_remove(struct evidence *e, struct evfile *f);
void absent_release_slot(struct evidence *e, struct evfile *f); /* it no longer holds one */
int absent_turn_missing(struct evidence *e, struct evfile *f);
/** The record that an arriving file continues: the same path unchanged, or a file that was renamed; taken out. NULL: none.
 *  @matched: a requirement asks for the new name; @ret_was: its former path where that is another one, owned */
struct evfile *absent_take(struct evidence *e, size_t root, const char *path,
                           const struct file *seen, bool matched, char **ret_was);
/** It arrived in its new folder: does its instance look there? @was: owned by this from now on */
int stray_note(struct evidence *e, struct evfile *f, char *was);
/** The next that left an instance of the task, as a loss; it no longer holds its slot. Return: 1, 0 no more, -errno */
int stray_take(struct evidence *e, const struct task *task, struct loss *ret);
void strays_forget(struct evidence *e, const struct evfile *f); /* @f goes; NULL: all */
/** What is gone for good: tasks whose slots it holds are to be judged. In the pass, before it. */
void absent_gather(struct evidence *e, usec_t now);
/** Forgets what holds no slot and had its time; inside the pass's transaction. Sets absent_due. */
int absent_sweep(struct evidence *e, usec_t now);
/** Absence proves something only in a root that is there. */
bool absent_is_gone(const struct evidence *e, const struct evfile *f, usec_t now);

/* evidence-unreadable.c */
void unreadable_add(struct root *root, struct unreadable_list *list, const char *path,
                    const char *reason);
void unreadable_forget(struct unreadable_list *list, const char *path);
void unreadable_done(struct unreadable_list *list);
/** After a change of the file: does it count, and can not be read? */
void evfile_note_unreadable(struct evidence *e, struct evfile *f);

/* evidence-why.c */
/** More on the verdict of a file for a task: its type and those asked for, or which file has its content. NULL: nothing. Owned. */
char *evfile_why(const struct evidence *e, const struct evfile *f, enum verdict verdict,
                 const struct task *task);

/* evidence-contents.c: what counts, by content */
int content_put(struct evidence *e, struct evfile *f);   /* it counts; twice is fine */
void content_drop(struct evidence *e, struct evfile *f); /* it counts no longer */
/** Another counted file with the content of @f, behind @after; NULL: no more. */
struct evfile *content_next(const struct evidence *e, const struct evfile *f,
                            const struct evfile *after);

/* evidence-judge.c */
int evidence_pass(struct evidence *e);

/* evidence-apply.c */
/* Inside the pass's transaction; of all rulings first what was moved out, since others may count it. */
int ruling_apply_strays(struct evidence *e, struct ruling *r);
int ruling_apply(struct evidence *e, struct ruling *r, usec_t now);
void ruling_applied(struct evidence *e,
                    const struct ruling *r); /* after it: the next begins there */
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
void other_seen(struct evidence *e, struct evfile *f); /* it is there, as evfile_see() found it */
/** Looks for files that lie in another task's folder, for a while. Inside the pass's transaction. Return: 1 all done, 0, -errno */
int others_look(struct evidence *e);

/* evidence-inspect.c */
void inspect_more(struct root *root); /* after something was queued or answered */
void inspection_answered(struct root *root, const json_t *m, uint64_t id);
void root_drop_inspections(struct root *root); /* nothing is asked of the scanner any more */
void evfile_queue_inspection(struct root *root, struct evfile *f);
void evfile_read_ahead(struct root *root, struct evfile *f); /* it may change yet */
void evfile_unqueue(struct evidence *e,
                    struct evfile *f); /* an answer that still comes is about nobody */
void evfile_account(struct evidence *e, struct evfile *f); /* after a change: is it pending? */
/** When the first file was received that is still being looked into: they are asked for in that order. USEC_INFINITY: none is.
 *  In a first walk, whose files are as old as they are, all of them wait for each other: 0. */
usec_t inspections_under_way(const struct root *root);

/* evidence.c */
void evidence_schedule(struct evidence *e);
void root_await_walk(struct root *root, bool awaits);
usec_t evidence_now(const struct evidence *e);
