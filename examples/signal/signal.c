/* Searches a recording of noise for a signal whose frequency drifts steadily.
 *
 *   signal FILE FIRST LAST STEPS
 *
 * reads FILE, 16384 complex samples of two signed bytes each (real, imaginary), and tries STEPS
 * drift rates from FIRST to LAST, in frequency bins per recording. For each it turns the drift
 * back ("dechirps"), takes the spectrum and compares every bin with the mean power. The ten
 * strongest candidates, one per neighbourhood, go to stdout as "drift bin power", where power is
 * in units of the mean: in pure noise it rarely passes 20.
 *
 * The arithmetic is fixed point, as in a receiver: a phase accumulator, a table of the circle,
 * and an FFT in integers, which on this network are as fast as anywhere.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define LOG_SIZE 14
#define SIZE (1 << LOG_SIZE)
#define CANDIDATES 10
#define SAME_BINS 8 /* two peaks this near are one signal, seen at two drift rates */
#define PI 3.14159265358979323846
#define ROOT_BITS 30
#define GAIN 64 /* of the samples: |sum| stays below 2^31, rounding far below the noise */
#define POWER_SHIFT 16 /* so that all bins' power adds up in 64 bits */
#define LEAST_POWER 12

typedef struct { int32_t re, im; } Complex;
typedef struct { double drift, power; int bin; } Candidate;

static Complex samples[SIZE], work[SIZE], roots[SIZE];
static int reversed[SIZE];
static Candidate best[CANDIDATES];
static int found;

static void fail(const char *message) {
    fprintf(stderr, "signal: %s\n", message);
    exit(1);
}

/* Multiplies by a number on the unit circle. */
static inline Complex turn(Complex a, Complex root) {
    int64_t re = (int64_t)a.re * root.re - (int64_t)a.im * root.im;
    int64_t im = (int64_t)a.re * root.im + (int64_t)a.im * root.re;
    return (Complex){(int32_t)(re >> ROOT_BITS), (int32_t)(im >> ROOT_BITS)};
}

static void prepare(void) {
    for (int i = 0; i < SIZE; i++) {
        double angle = -2.0 * PI * i / SIZE, unit = 1 << ROOT_BITS;
        roots[i] = (Complex){(int32_t)lround(unit * cos(angle)), (int32_t)lround(unit * sin(angle))};
        reversed[i] = reversed[i >> 1] >> 1 | (i & 1) << (LOG_SIZE - 1);
    }
}

static void read_samples(const char *path) {
    static signed char raw[2 * SIZE];
    FILE *file = fopen(path, "rb");
    if (!file || fread(raw, 1, sizeof raw, file) != sizeof raw) fail("the recording is too short");
    fclose(file);
    for (int i = 0; i < SIZE; i++) samples[i] = (Complex){GAIN * raw[2 * i], GAIN * raw[2 * i + 1]};
}

/* Writes the dechirped samples to `work` in bit-reversed order. The phase is a quadratic in time,
 * in units of 2^-64 of the circle, so two running sums make it. */
static void dechirp(double drift) {
    int64_t unit = (int64_t)(drift / SIZE / SIZE * 0x1p63);
    uint64_t phase = 0, speed = (uint64_t)unit;
    for (int i = 0; i < SIZE; i++) {
        work[reversed[i]] = turn(samples[i], roots[phase >> (64 - LOG_SIZE)]);
        phase += speed;
        speed += 2 * (uint64_t)unit;
    }
}

static void transform(void) {
    for (int half = 1; half < SIZE; half *= 2) {
        int stride = SIZE / (2 * half);
        for (int start = 0; start < SIZE; start += 2 * half)
            for (int i = 0; i < half; i++) {
                Complex *low = &work[start + i], *high = low + half;
                Complex even = *low, odd = turn(*high, roots[i * stride]);
                *low = (Complex){even.re + odd.re, even.im + odd.im};
                *high = (Complex){even.re - odd.re, even.im - odd.im};
            }
    }
}

static void keep(Candidate peak) {
    int place = 0;
    while (place < found && abs(best[place].bin - peak.bin) > SAME_BINS) place++;
    if (place == found && found < CANDIDATES) best[found++] = (Candidate){0};
    if (place == found) place--;
    if (peak.power <= best[place].power) return;
    for (; place > 0 && best[place - 1].power < peak.power; place--) best[place] = best[place - 1];
    best[place] = peak;
}

static uint64_t power_of(Complex value) {
    return (uint64_t)((int64_t)value.re * value.re + (int64_t)value.im * value.im) >> POWER_SHIFT;
}

static void search(double drift) {
    dechirp(drift);
    transform();
    uint64_t total = 0;
    for (int i = 0; i < SIZE; i++) total += power_of(work[i]);
    uint64_t mean = total / SIZE;
    for (int i = 0; i < SIZE; i++) {
        uint64_t power = power_of(work[i]);
        if (power > LEAST_POWER * mean) keep((Candidate){drift, (double)power / (double)mean, i});
    }
}

int main(int argc, char **argv) {
    if (argc != 5) fail("usage: signal FILE FIRST LAST STEPS");
    double first = atof(argv[2]), last = atof(argv[3]);
    int steps = atoi(argv[4]);
    if (steps < 2 || steps > 100000) fail("STEPS is from 2 to 100000");
    prepare();
    read_samples(argv[1]);
    for (int i = 0; i < steps; i++) search(first + (last - first) * i / (steps - 1));
    for (int i = 0; i < found; i++)
        printf("%.3f %d %.2f\n", best[i].drift, best[i].bin, best[i].power);
    return 0;
}
