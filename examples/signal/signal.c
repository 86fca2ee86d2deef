/* Searches a recording of noise for a signal whose frequency drifts steadily.
 *
 *   signal FILE FIRST LAST STEPS
 *
 * reads FILE, 16384 complex samples of two signed bytes each (real, imaginary), and
 * tries STEPS drift rates from FIRST to LAST, in frequency bins per recording. For each it turns
 * the drift back ("dechirps"), takes the spectrum and compares every bin with the mean power. The
 * ten strongest candidates, one per neighbourhood, go to stdout as "drift bin power", where power
 * is in units of the mean: in pure noise it rarely passes 20.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define LOG_SIZE 14
#define SIZE (1 << LOG_SIZE)
#define CANDIDATES 10
#define SAME_BINS 8 /* two peaks this near are one signal, seen at two drift rates */
#define PI 3.14159265358979323846

typedef struct { double re, im; } Complex;
typedef struct { double drift, power; int bin; } Candidate;

static Complex samples[SIZE], work[SIZE], roots[SIZE / 2];
static int reversed[SIZE];
static Candidate best[CANDIDATES];
static int found;

static void fail(const char *message) {
    fprintf(stderr, "signal: %s\n", message);
    exit(1);
}

static Complex mul(Complex a, Complex b) {
    return (Complex){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

static Complex turn(double angle) { return (Complex){cos(angle), sin(angle)}; }

static void prepare(void) {
    for (int i = 0; i < SIZE / 2; i++) roots[i] = turn(-2.0 * PI * i / SIZE);
    for (int i = 0; i < SIZE; i++) reversed[i] = reversed[i >> 1] >> 1 | (i & 1) << (LOG_SIZE - 1);
}

static void read_samples(const char *path) {
    static signed char raw[2 * SIZE];
    FILE *file = fopen(path, "rb");
    if (!file || fread(raw, 1, sizeof raw, file) != sizeof raw) fail("the recording is too short");
    fclose(file);
    for (int i = 0; i < SIZE; i++) samples[i] = (Complex){raw[2 * i], raw[2 * i + 1]};
}

/* Writes the dechirped samples to `work` in bit-reversed order. The phase of a drift is a
 * quadratic in time, so that two running products make it without a sine for each sample. */
static void dechirp(double drift) {
    double unit = -PI * drift / SIZE / SIZE;
    Complex phase = {1.0, 0.0}, speed = turn(unit), growth = turn(2.0 * unit);
    for (int i = 0; i < SIZE; i++) {
        work[reversed[i]] = mul(samples[i], phase);
        phase = mul(phase, speed);
        speed = mul(speed, growth);
    }
}

static void transform(void) {
    for (int half = 1; half < SIZE; half *= 2) {
        int stride = SIZE / (2 * half);
        for (int start = 0; start < SIZE; start += 2 * half)
            for (int i = 0; i < half; i++) {
                Complex *low = &work[start + i], *high = low + half;
                Complex odd = mul(*high, roots[i * stride]);
                *high = (Complex){low->re - odd.re, low->im - odd.im};
                *low = (Complex){low->re + odd.re, low->im + odd.im};
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

static double power_of(Complex value) { return value.re * value.re + value.im * value.im; }

static void search(double drift) {
    dechirp(drift);
    transform();
    double total = 0.0;
    for (int i = 0; i < SIZE; i++) total += power_of(work[i]);
    double mean = total / SIZE;
    for (int i = 0; i < SIZE; i++) {
        double power = power_of(work[i]) / mean;
        if (power > 12.0) keep((Candidate){drift, power, i});
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
