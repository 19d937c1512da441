/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scan/agenda.h"

void agenda_done(struct agenda *a) { array_done(&a->heap); }

static void put(struct agenda *a, size_t slot, struct folder *folder) {
        a->heap.items[slot] = folder;
        folder->heap_slot = slot;
}

static void sift_up(struct agenda *a, size_t slot, struct folder *folder) {
        while (slot > 0) {
                size_t parent = (slot - 1) / 2;

                if (a->heap.items[parent]->due <= folder->due)
                        break;
                put(a, slot, a->heap.items[parent]);
                slot = parent;
        }
        put(a, slot, folder);
}

static void sift_down(struct agenda *a, size_t slot, struct folder *folder) {
        for (;;) {
                size_t child = 2 * slot + 1;

                if (child + 1 < a->heap.n &&
                    a->heap.items[child + 1]->due < a->heap.items[child]->due)
                        child++;
                if (child >= a->heap.n || folder->due <= a->heap.items[child]->due)
                        break;
                put(a, slot, a->heap.items[child]);
                slot = child;
        }
        put(a, slot, folder);
}

int agenda_due(struct agenda *a, struct folder *folder, usec_t due) {
        if (due >= folder->due)
                return 0;
        if (folder->heap_slot == SIZE_MAX) {
                if (array_push(&a->heap, folder) < 0)
                        return -ENOMEM;
                folder->heap_slot = a->heap.n - 1;
        }
        folder->due = due;
        sift_up(a, folder->heap_slot, folder);
        return 0;
}

void agenda_queue(struct agenda *a, struct folder *folder) {
        if (folder->queued)
                return;
        folder->queued = true;
        folder->queue_before = NULL;
        folder->queue_after = a->queue;
        if (a->queue)
                a->queue->queue_before = folder;
        a->queue = folder;
}

void agenda_mark_walk(struct agenda *a, struct folder *folder) {
        agenda_queue(a, folder);
        a->n_in_walk += !folder->in_walk;
        folder->in_walk = true;
}

static void leave_heap(struct agenda *a, struct folder *folder) {
        size_t slot = folder->heap_slot;
        struct folder *last;

        folder->due = USEC_INFINITY;
        if (slot == SIZE_MAX)
                return;
        folder->heap_slot = SIZE_MAX;
        last = a->heap.items[--a->heap.n];
        if (last == folder)
                return;
        if (slot > 0 && last->due < a->heap.items[(slot - 1) / 2]->due)
                sift_up(a, slot, last);
        else
                sift_down(a, slot, last);
}

void agenda_drop(struct agenda *a, struct folder *folder) {
        leave_heap(a, folder);
        if (!folder->queued)
                return;
        if (folder->queue_before)
                folder->queue_before->queue_after = folder->queue_after;
        else
                a->queue = folder->queue_after;
        if (folder->queue_after)
                folder->queue_after->queue_before = folder->queue_before;
        a->n_in_walk -= folder->in_walk;
        folder->queued = folder->in_walk = false;
}

usec_t agenda_next(const struct agenda *a) {
        if (a->queue)
                return 0;
        return a->heap.n > 0 ? a->heap.items[0]->due : USEC_INFINITY;
}

struct folder *agenda_first(const struct agenda *a, usec_t now) {
        if (a->heap.n > 0 && a->heap.items[0]->due <= now)
                return a->heap.items[0];
        return a->queue;
}
