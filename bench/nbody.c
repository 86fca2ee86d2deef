/* Five bodies under gravity, in plain double precision: what floating point costs by itself.
 *
 *   nbody STEPS
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define BODIES 5

typedef struct { double x[3], v[3], mass; } Body;

static void step(Body *bodies, double dt) {
    for (int i = 0; i < BODIES; i++)
        for (int j = i + 1; j < BODIES; j++) {
            Body *a = &bodies[i], *b = &bodies[j];
            double d[3], square = 0.01;
            for (int k = 0; k < 3; k++) {
                d[k] = a->x[k] - b->x[k];
                square += d[k] * d[k];
            }
            double pull = dt / (square * sqrt(square));
            for (int k = 0; k < 3; k++) {
                a->v[k] -= d[k] * b->mass * pull;
                b->v[k] += d[k] * a->mass * pull;
            }
        }
    for (int i = 0; i < BODIES; i++)
        for (int k = 0; k < 3; k++) bodies[i].x[k] += dt * bodies[i].v[k];
}

int main(int argc, char **argv) {
    Body bodies[BODIES];
    if (argc != 2) return 1;
    for (int i = 0; i < BODIES; i++)
        bodies[i] = (Body){{i, i * i % 3, i * i % 5}, {i % 2, -i % 3, 0.5}, 1.0 + i};
    for (long left = atol(argv[1]); left > 0; left--) step(bodies, 0.001);
    printf("%.15g %.15g %.15g\n", bodies[0].x[0], bodies[0].x[1], bodies[0].x[2]);
    return 0;
}
