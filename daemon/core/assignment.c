/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/requirement.h"

/*
 * A flow problem: file → cell → requirement. A cell is one content under one requirement, and holds at most one file,
 * which is how equal content fills one slot only. A requirement holds as many cells as it has slots.
 *
 * First every requirement, in order, is filled as far as augmenting paths reach: none ever empties one that came
 * before, so the fill is the greatest one, and the greatest for the first requirements. Then, in the same order, each
 * requirement is given its earliest files that leave every fill as it is.
 */

#define NONE UINT32_MAX
/* Steps of the second part; beyond, what is found so far stands: a full assignment, only not of the earliest files. */
#define POLISH_BUDGET (100u * 1000 * 1000)

struct node { /* a file that is a candidate; its index is its rank: received-at, root, path */
        size_t file;
        uint32_t class; /* the first rank with this content */
        uint32_t cell;  /* where it is; NONE: free */
        uint32_t seen;
        bool locked;
};

struct edge {
        uint32_t demand, node, cell;
};

struct cell {
        uint32_t edge, n_edges; /* its files, by rank */
        uint32_t demand;
        uint32_t node; /* who is in it; NONE: empty */
        bool locked;
        /* of the search: this cell wants a file because the one in `from` goes to `parent` */
        uint32_t seen, parent, from;
};

struct demand { /* a requirement of an instance */
        uint32_t cell, n_cells;
        uint32_t edge, n_edges; /* in by_rank */
        uint32_t count, used;
        uint32_t tried; /* cells from the first one on that no free file is for any more */
        uint32_t seen;
        size_t instance, requirement;
};

struct flow {
        const struct file *files; /* borrowed */
        struct node *nodes;
        struct edge *edges; /* by demand, class, rank */
        uint32_t *by_rank;  /* edges by demand, rank */
        struct cell *cells;
        struct demand *demands;
        size_t n_nodes, n_edges, n_cells, n_demands;
        size_t *first_demand; /* per instance */
        uint32_t *rank;       /* per file; NONE: no candidate */
        uint32_t *queue;      /* room for n_cells */
        uint32_t head, tail;
        uint32_t stamp;
        uint64_t steps;
        uint32_t surplus; /* the demand from which the search may take away; NONE */
        bool took_surplus;
};

static void flow_done(struct flow *f) {
        free(f->nodes);
        free(f->edges);
        free(f->by_rank);
        free(f->cells);
        free(f->demands);
        free(f->first_demand);
        free(f->rank);
        free(f->queue);
}

/* --- building ------------------------------------------------------------------------------------------------- */

static int compare(uint64_t a, uint64_t b) { return a < b ? -1 : a > b; }

static int compare_rank(const void *a, const void *b, void *userdata) {
        const struct node *x = a, *y = b;
        const struct file *files = userdata, *f = &files[x->file], *g = &files[y->file];
        int order;

        /* not yet received (0) comes last */
        order = compare((uint64_t)f->received_at - 1, (uint64_t)g->received_at - 1);
        if (order == 0)
                order = compare(f->root, g->root);
        if (order == 0)
                order = strcmp(f->path, g->path);
        return order != 0 ? order : compare(x->file, y->file);
}

/* Ranks in order of content. */
static int compare_content(const void *a, const void *b, void *userdata) {
        const struct flow *f = userdata;
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
        int order = memcmp(f->files[f->nodes[x].file].sha256, f->files[f->nodes[y].file].sha256,
                           SHA256_SIZE);

        return order != 0 ? order : compare(x, y);
}

static int compare_edge(const void *a, const void *b, void *userdata) {
        const struct edge *x = a, *y = b;
        const struct flow *f = userdata;
        int order = compare(x->demand, y->demand);

        if (order == 0)
                order = compare(f->nodes[x->node].class, f->nodes[y->node].class);
        return order != 0 ? order : compare(x->node, y->node);
}

static int compare_by_rank(const void *a, const void *b, void *userdata) {
        const struct flow *f = userdata;
        const struct edge *x = &f->edges[*(const uint32_t *)a],
                          *y = &f->edges[*(const uint32_t *)b];
        int order = compare(x->demand, y->demand);

        return order != 0 ? order : compare(x->node, y->node);
}

static void *new_array(size_t n, size_t size) { return calloc(n > 0 ? n : 1, size); }

static int make_demands(struct flow *f, const struct instance *const *instances, size_t n_instances,
                        const uint32_t *taken) {
        size_t n = 0;

        f->first_demand = new_array(n_instances, sizeof(*f->first_demand));
        for (size_t i = 0; f->first_demand && i < n_instances; n += instances[i++]->n_requirements)
                f->first_demand[i] = n;
        f->demands = new_array(n, sizeof(*f->demands));
        if (!f->first_demand || !f->demands)
                return -ENOMEM;
        for (size_t i = 0; i < n_instances; i++)
                for (size_t j = 0; j < instances[i]->n_requirements; j++) {
                        uint32_t count = instances[i]->requirements[j].need->count,
                                 held = taken ? taken[f->n_demands] : 0;

                        f->demands[f->n_demands++] = (struct demand){
                                .count = count > held ? count - held : 0,
                                .instance = i,
                                .requirement = j,
                        };
                }
        return 0;
}

/* Files that are candidates, in order of rank. */
static int make_nodes(struct flow *f, size_t n_files, const struct candidate *candidates,
                      size_t n_candidates) {
        f->rank = new_array(n_files, sizeof(*f->rank));
        f->nodes = new_array(n_candidates < n_files ? n_candidates : n_files, sizeof(*f->nodes));
        if (!f->rank || !f->nodes)
                return -ENOMEM;
        for (size_t i = 0; i < n_candidates; i++)
                f->rank[candidates[i].file] = 1;
        for (size_t i = 0; i < n_files; i++)
                if (f->rank[i] == 1)
                        f->nodes[f->n_nodes++] = (struct node){.file = i, .cell = NONE};
                else
                        f->rank[i] = NONE;
        qsort_r(f->nodes, f->n_nodes, sizeof(*f->nodes), compare_rank, (void *)f->files);
        for (size_t i = 0; i < f->n_nodes; i++)
                f->rank[f->nodes[i].file] = (uint32_t)i;
        return 0;
}

static int make_classes(struct flow *f) {
        _cleanup_free_ uint32_t *order = new_array(f->n_nodes, sizeof(*order));
        size_t n = 0;

        if (!order)
                return -ENOMEM;
        for (size_t i = 0; i < f->n_nodes; i++) {
                f->nodes[i].class = (uint32_t)i;
                if (f->files[f->nodes[i].file].inspected)
                        order[n++] = (uint32_t)i;
        }
        qsort_r(order, n, sizeof(*order), compare_content, f);
        for (size_t i = 1; i < n; i++) {
                const struct node *before = &f->nodes[order[i - 1]];
                struct node *node = &f->nodes[order[i]];

                if (memcmp(f->files[before->file].sha256, f->files[node->file].sha256,
                           SHA256_SIZE) == 0)
                        node->class = before->class;
        }
        return 0;
}

static int make_edges(struct flow *f, const struct candidate *candidates, size_t n_candidates) {
        size_t n = 0;

        f->edges = new_array(n_candidates, sizeof(*f->edges));
        f->by_rank = new_array(n_candidates, sizeof(*f->by_rank));
        if (!f->edges || !f->by_rank)
                return -ENOMEM;
        for (size_t i = 0; i < n_candidates; i++)
                f->edges[i] = (struct edge){
                        .demand = (uint32_t)(f->first_demand[candidates[i].instance] +
                                             candidates[i].requirement),
                        .node = f->rank[candidates[i].file],
                };
        qsort_r(f->edges, n_candidates, sizeof(*f->edges), compare_edge, f);
        for (size_t i = 0; i < n_candidates; i++)
                if (n == 0 || compare_edge(&f->edges[n - 1], &f->edges[i], f) != 0)
                        f->edges[n++] = f->edges[i];
        f->n_edges = n;
        for (size_t i = 0; i < n; i++)
                f->by_rank[i] = (uint32_t)i;
        qsort_r(f->by_rank, n, sizeof(*f->by_rank), compare_by_rank, f);
        return 0;
}

static int make_cells(struct flow *f) {
        f->cells = new_array(f->n_edges, sizeof(*f->cells));
        f->queue = new_array(f->n_edges, sizeof(*f->queue));
        if (!f->cells || !f->queue)
                return -ENOMEM;
        for (size_t i = 0; i < f->n_edges; i++) {
                struct edge *e = &f->edges[i];
                struct demand *d = &f->demands[e->demand];

                if (i == 0 || e[-1].demand != e->demand ||
                    f->nodes[e[-1].node].class != f->nodes[e->node].class) {
                        if (d->n_cells++ == 0)
                                d->cell = (uint32_t)f->n_cells;
                        f->cells[f->n_cells++] = (struct cell){
                                .edge = (uint32_t)i, .demand = e->demand, .node = NONE};
                }
                if (d->n_edges++ == 0)
                        d->edge = (uint32_t)i;
                e->cell = (uint32_t)f->n_cells - 1;
                f->cells[e->cell].n_edges++;
        }
        return 0;
}

/* --- moving files --------------------------------------------------------------------------------------------- */

static void put(struct flow *f, uint32_t cell, uint32_t node) {
        f->cells[cell].node = node;
        f->nodes[node].cell = cell;
}

static void lock(struct flow *f, uint32_t cell) {
        f->cells[cell].locked = true;
        f->nodes[f->cells[cell].node].locked = true;
}

static void empty(struct flow *f, uint32_t cell) {
        f->nodes[f->cells[cell].node].cell = NONE;
        f->cells[cell].node = NONE;
}

static void begin_search(struct flow *f, uint32_t surplus) {
        f->stamp++;
        f->head = f->tail = 0;
        f->surplus = surplus;
        f->took_surplus = false;
}

static void want_cell(struct flow *f, uint32_t cell, uint32_t parent, uint32_t from) {
        struct cell *c = &f->cells[cell];

        if (c->seen == f->stamp)
                return;
        c->seen = f->stamp;
        c->parent = parent;
        c->from = from;
        f->queue[f->tail++] = cell;
}

/* The requirement lacks one: any of its empty cells will do. */
static void want_demand(struct flow *f, uint32_t demand, uint32_t parent, uint32_t from) {
        struct demand *d = &f->demands[demand];

        if (d->seen == f->stamp)
                return;
        d->seen = f->stamp;
        f->steps += d->n_cells;
        for (uint32_t c = d->cell; c < d->cell + d->n_cells; c++)
                if (f->cells[c].node == NONE)
                        want_cell(f, c, parent, from);
}

/* @node goes into @cell, the one that makes room for it to its parent, and so on. */
static void apply_path(struct flow *f, uint32_t cell, uint32_t node) {
        for (;;) {
                uint32_t parent = f->cells[cell].parent, next = NONE;

                if (parent != NONE) {
                        next = f->cells[f->cells[cell].from].node;
                        empty(f, f->cells[cell].from);
                }
                put(f, cell, node);
                if (parent == NONE)
                        return;
                cell = parent;
                node = next;
        }
}

/* A file for @cell: true when one was found and everything moved. */
static bool fill_cell(struct flow *f, uint32_t cell) {
        const struct cell *c = &f->cells[cell];

        f->steps += c->n_edges;
        for (uint32_t e = c->edge; e < c->edge + c->n_edges; e++) {
                uint32_t n = f->edges[e].node;
                struct node *node = &f->nodes[n];

                if (node->locked || node->seen == f->stamp)
                        continue;
                node->seen = f->stamp;
                if (node->cell == NONE) {
                        apply_path(f, cell, n);
                        return true;
                }
                if (f->cells[node->cell].demand == f->surplus) {
                        f->took_surplus = true;
                        empty(f, node->cell);
                        apply_path(f, cell, n);
                        return true;
                }
                want_cell(f, node->cell, cell, node->cell);
                want_demand(f, f->cells[node->cell].demand, cell, node->cell);
        }
        return false;
}

static bool run_search(struct flow *f) {
        while (f->head < f->tail)
                if (fill_cell(f, f->queue[f->head++]))
                        return true;
        return false;
}

/* --- the three parts ------------------------------------------------------------------------------------------ */

static struct edge *find_edge(struct flow *f, const struct edge *key) {
        size_t low = 0, high = f->n_edges;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int order = compare_edge(&f->edges[middle], key, f);

                if (order == 0)
                        return &f->edges[middle];
                if (order < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return NULL;
}

static void keep_one(struct flow *f, const struct edge *key) {
        const struct edge *e = find_edge(f, key);
        struct demand *d = &f->demands[key->demand];

        if (!e || d->used == d->count || f->nodes[e->node].locked || f->cells[e->cell].locked)
                return;
        put(f, e->cell, e->node);
        lock(f, e->cell);
        d->used++;
}

static int compare_standing(const void *a, const void *b, void *userdata) {
        const struct edge *x = a, *y = b;

        (void)userdata;
        return x->node != y->node ? compare(x->node, y->node) : compare(x->demand, y->demand);
}

static int keep_standing(struct flow *f, const struct assignment *standing, size_t n_standing) {
        _cleanup_free_ struct edge *keys = new_array(n_standing, sizeof(*keys));
        size_t n = 0;

        if (!keys)
                return -ENOMEM;
        for (size_t i = 0; i < n_standing; i++)
                if (f->rank[standing[i].file] != NONE)
                        keys[n++] = (struct edge){
                                .demand = (uint32_t)(f->first_demand[standing[i].instance] +
                                                     standing[i].requirement),
                                .node = f->rank[standing[i].file],
                        };
        qsort_r(keys, n, sizeof(*keys), compare_standing, NULL);
        for (size_t i = 0; i < n; i++)
                keep_one(f, &keys[i]);
        return 0;
}

/* The first empty cell with a free file. No file ever becomes free again here, so what was tried stays so. */
static bool fill_free(struct flow *f, struct demand *d) {
        for (; d->tried < d->n_cells; d->tried++) {
                uint32_t c = d->cell + d->tried;
                const struct cell *cell = &f->cells[c];

                for (uint32_t e = cell->edge; cell->node == NONE && e < cell->edge + cell->n_edges;
                     e++)
                        if (f->nodes[f->edges[e].node].cell == NONE) {
                                put(f, c, f->edges[e].node);
                                return true;
                        }
        }
        return false;
}

static bool fill_by_moving(struct flow *f, uint32_t demand) {
        begin_search(f, NONE);
        want_demand(f, demand, NONE, NONE);
        return run_search(f);
}

static void fill(struct flow *f) {
        for (uint32_t d = 0; d < f->n_demands; d++)
                while (f->demands[d].used < f->demands[d].count) {
                        if (!fill_free(f, &f->demands[d]) && !fill_by_moving(f, d))
                                break;
                        f->demands[d].used++;
                }
}

/* @demand has one more than it may: the latest of its files goes. */
static void drop_latest(struct flow *f, uint32_t demand) {
        const struct demand *d = &f->demands[demand];
        uint32_t latest = NONE;

        f->steps += d->n_cells;
        for (uint32_t c = d->cell; c < d->cell + d->n_cells; c++)
                if (f->cells[c].node != NONE && !f->cells[c].locked &&
                    (latest == NONE || f->cells[c].node > f->cells[latest].node))
                        latest = c;
        assert(latest != NONE);
        empty(f, latest);
}

/* The file of @e into its cell, with every fill as it is: true when that can be; else all stays as it was. */
static bool force(struct flow *f, const struct edge *e) {
        struct node *node = &f->nodes[e->node];
        uint32_t left = node->cell, displaced = f->cells[e->cell].node;

        if (left != NONE)
                empty(f, left);
        if (displaced != NONE)
                empty(f, e->cell);
        put(f, e->cell, e->node);
        lock(f, e->cell);
        begin_search(f, displaced == NONE ? e->demand : NONE);
        if (left != NONE) {
                want_cell(f, left, NONE, NONE);
                want_demand(f, f->cells[left].demand, NONE, NONE);
                if (!run_search(f)) {
                        empty(f, e->cell);
                        f->cells[e->cell].locked = node->locked = false;
                        put(f, left, e->node);
                        if (displaced != NONE)
                                put(f, e->cell, displaced);
                        return false;
                }
        }
        if (displaced == NONE && !f->took_surplus)
                drop_latest(f, e->demand);
        return true;
}

/* The earliest files for @demand; each one found is locked. */
static void polish_demand(struct flow *f, struct demand *d) {
        uint32_t wanted = d->used;

        for (uint32_t c = d->cell; c < d->cell + d->n_cells; c++)
                wanted -= f->cells[c].locked;
        for (uint32_t i = d->edge; wanted > 0 && i < d->edge + d->n_edges; i++) {
                const struct edge *e = &f->edges[f->by_rank[i]];

                if (f->cells[e->cell].locked || f->nodes[e->node].locked)
                        continue;
                if (f->cells[e->cell].node == e->node)
                        lock(f, e->cell);
                else if (f->steps > POLISH_BUDGET || !force(f, e))
                        continue;
                wanted--;
        }
}

static int collect(const struct flow *f, struct assignment **ret, size_t *ret_n) {
        size_t n = 0, k = 0;
        struct assignment *list;

        for (size_t d = 0; d < f->n_demands; d++)
                n += f->demands[d].used;
        list = new_array(n, sizeof(*list));
        if (!list)
                return -ENOMEM;
        for (size_t i = 0; i < f->n_edges; i++) {
                const struct edge *e = &f->edges[f->by_rank[i]];
                const struct demand *d = &f->demands[e->demand];

                if (f->cells[e->cell].node == e->node)
                        list[k++] = (struct assignment){.file = f->nodes[e->node].file,
                                                        .instance = d->instance,
                                                        .requirement = d->requirement};
        }
        assert(k == n);
        *ret = list;
        *ret_n = n;
        return 0;
}

static bool in_range(const struct instance *const *instances, size_t n_instances, size_t n_files,
                     size_t file, size_t instance, size_t requirement) {
        return file < n_files && instance < n_instances &&
               requirement < instances[instance]->n_requirements;
}

int assign_files(const struct instance *const *instances, size_t n_instances,
                 const struct file *files, size_t n_files, const struct candidate *candidates,
                 size_t n_candidates, const struct assignment *standing, size_t n_standing,
                 const uint32_t *taken, struct assignment **ret, size_t *ret_n) {
        _cleanup_(flow_done) struct flow f = {.files = files};
        int r;

        if (n_files >= NONE || n_candidates >= NONE)
                return -EINVAL;
        for (size_t i = 0; i < n_candidates; i++)
                if (!in_range(instances, n_instances, n_files, candidates[i].file,
                              candidates[i].instance, candidates[i].requirement))
                        return -EINVAL;
        for (size_t i = 0; i < n_standing; i++)
                if (!in_range(instances, n_instances, n_files, standing[i].file,
                              standing[i].instance, standing[i].requirement))
                        return -EINVAL;
        r = make_demands(&f, instances, n_instances, taken);
        if (r == 0)
                r = make_nodes(&f, n_files, candidates, n_candidates);
        if (r == 0)
                r = make_classes(&f);
        if (r == 0)
                r = make_edges(&f, candidates, n_candidates);
        if (r == 0)
                r = make_cells(&f);
        if (r == 0)
                r = keep_standing(&f, standing, n_standing);
        if (r < 0)
                return r;
        fill(&f);
        for (size_t d = 0; d < f.n_demands; d++)
                polish_demand(&f, &f.demands[d]);
        return collect(&f, ret, ret_n);
}

enum verdict unassigned_verdict(const struct file *files, const struct assignment *assigned,
                                size_t n_assigned, const struct candidate *candidate) {
        const struct file *file = &files[candidate->file];
        enum verdict verdict = VERDICT_SURPLUS;

        for (size_t i = 0; i < n_assigned; i++) {
                const struct assignment *a = &assigned[i];

                if (a->instance != candidate->instance || a->requirement != candidate->requirement)
                        continue;
                if (a->file == candidate->file)
                        return VERDICT_COUNTED;
                if (file->inspected && files[a->file].inspected &&
                    memcmp(file->sha256, files[a->file].sha256, SHA256_SIZE) == 0)
                        verdict = VERDICT_DUPLICATE;
        }
        return verdict;
}
