/* Folds a chain of H and P on the square lattice, and looks for the fold of lowest energy.
 *
 *   folding SEQUENCE SEED STEPS
 *
 * Every pair of H that are neighbours on the lattice but not along the chain counts -1. The search
 * is simulated annealing over pull moves, which keep the chain whole, from STEPS moves and as many
 * coolings as fit. It prints "energy E" and "fold ...", the chain's turns as steps E, N, W, S.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LENGTH 100
#define SIDE 128 /* the lattice wraps; it is wider than the longest chain */
#define CELLS (SIDE * SIDE)
#define COOLING 200000 /* moves from hot to cold */
#define LEVELS 64
#define HOT 2.0
#define COLD 0.18
#define MAX_RISE 16

static const int STEPS[4] = {1, SIDE, CELLS - 1, CELLS - SIDE}; /* E N W S */

static int length, is_h[MAX_LENGTH];
static int16_t place[MAX_LENGTH], best_place[MAX_LENGTH];
static int16_t who[CELLS]; /* 0 for a free cell, else the number in the chain plus one */
static uint64_t state;
static uint32_t accept[LEVELS][MAX_RISE + 1];

static void fail(const char *message) {
    fprintf(stderr, "folding: %s\n", message);
    exit(1);
}

static uint32_t draw(void) { /* splitmix64, upper half */
    uint64_t z = state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return (uint32_t)((z ^ z >> 31) >> 32);
}

static int draw_below(uint32_t bound) { return (int)((uint64_t)draw() * bound >> 32); }
static int step(int cell, int direction) { return (cell + STEPS[direction]) & (CELLS - 1); }

static int direction_of(int from, int to) {
    for (int d = 0; d < 4; d++)
        if (step(from, d) == to) return d;
    return -1;
}

static int energy(void) {
    int contacts = 0;
    for (int i = 0; i < length; i++) {
        if (!is_h[i]) continue;
        for (int d = 0; d < 2; d++) {
            int other = who[step(place[i], d)] - 1;
            if (other >= 0 && is_h[other] && abs(other - i) > 1) contacts++;
        }
    }
    return -contacts;
}

/* Swaps the places of numbers `from` to `to` with `cells`; a second time undoes it. */
static void swap(int from, int to, int16_t *cells) {
    for (int i = from; i <= to; i++) who[place[i]] = 0;
    for (int i = from; i <= to; i++) {
        int16_t old = place[i];
        place[i] = cells[i];
        cells[i] = old;
        who[place[i]] = (int16_t)(i + 1);
    }
}

/* Lets the chain follow from number i on, two cells behind, until it is whole again. `forward` is
 * -1 when the lower numbers follow, +1 when the higher do. Returns the last number that moved. */
static int follow(int16_t *cells, int i, int forward) {
    int last = i - forward;
    for (; i >= 0 && i < length; i += forward) {
        if (direction_of(cells[i - forward], place[i]) >= 0) break;
        cells[i] = place[i - 2 * forward];
        last = i;
    }
    return last;
}

/* Moves one end to two free cells in a row; the rest follows. */
static int pull_end(int16_t *cells, int end, int forward) {
    int first = step(place[end], draw_below(4));
    int second = step(first, draw_below(4));
    if (who[first] || who[second] || second == place[end]) return -1;
    cells[end] = (int16_t)second;
    cells[end + forward] = (int16_t)first;
    return follow(cells, end + 2 * forward, forward);
}

/* Moves number i diagonally, to a free cell beside its neighbour; the chain behind follows. */
static int pull_inner(int16_t *cells, int i, int forward) {
    int neighbour = place[i - forward];
    int along = direction_of(place[i], neighbour);
    int side = (along + 1 + 2 * (int)(draw() >> 31)) & 3;
    int corner = step(neighbour, side), between = step(place[i], side);
    int behind = i + forward;
    if (who[corner]) return -1;
    cells[i] = (int16_t)corner;
    if (behind < 0 || behind >= length || place[behind] == between) return i;
    if (who[between]) return -1;
    cells[behind] = (int16_t)between;
    return follow(cells, behind + forward, forward);
}

/* Tries one move; keeps it by Metropolis' rule. Returns the energy after it. */
static int move(int current, const uint32_t *chance) {
    int16_t cells[MAX_LENGTH];
    int i = draw_below((uint32_t)length);
    int forward = draw() >> 31 ? 1 : -1;
    int is_end = forward > 0 ? i == 0 : i == length - 1;
    int last = is_end ? pull_end(cells, i, forward) : pull_inner(cells, i, forward);
    if (last < 0) return current;
    int from = forward > 0 ? i : last, to = forward > 0 ? last : i;
    swap(from, to, cells);
    int next = energy(), rise = next - current;
    if (rise <= 0 || (rise <= MAX_RISE && draw() < chance[rise])) return next;
    swap(from, to, cells);
    return current;
}

static void prepare(const char *sequence) {
    length = (int)strlen(sequence);
    if (length < 4 || length > MAX_LENGTH) fail("SEQUENCE has 4 to 100 letters");
    for (int i = 0; i < length; i++) {
        if (sequence[i] != 'H' && sequence[i] != 'P') fail("SEQUENCE has letters H and P only");
        is_h[i] = sequence[i] == 'H';
    }
    for (int level = 0; level < LEVELS; level++) {
        double heat = HOT * pow(COLD / HOT, (double)level / (LEVELS - 1));
        for (int rise = 0; rise <= MAX_RISE; rise++)
            accept[level][rise] = (uint32_t)(exp(-rise / heat) * 4294967295.0);
    }
    for (int i = 0; i < length; i++) {
        place[i] = (int16_t)(CELLS / 2 + i);
        who[place[i]] = (int16_t)(i + 1);
    }
}

int main(int argc, char **argv) {
    if (argc != 4) fail("usage: folding SEQUENCE SEED STEPS");
    prepare(argv[1]);
    state = strtoull(argv[2], NULL, 10);
    long steps = atol(argv[3]);
    int current = 0, best = 1;
    for (long i = 0; i < steps; i++) {
        current = move(current, accept[i % COOLING * LEVELS / COOLING]);
        if (current < best) {
            best = current;
            memcpy(best_place, place, sizeof place);
        }
    }
    printf("energy %d\nfold ", best > 0 ? 0 : best);
    for (int i = 1; i < length; i++) putchar("ENWS"[direction_of(best_place[i - 1], best_place[i])]);
    putchar('\n');
    return 0;
}
