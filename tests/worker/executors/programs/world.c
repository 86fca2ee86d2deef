/* Prints all that a program can learn about the world it runs in. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static long long now(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(int argc, char **argv) {
    unsigned char random[16];
    for (int i = 0; i < argc; i++) printf("arg %s\n", argv[i]);
    for (char **entry = environ; *entry; entry++) printf("env %s\n", *entry);
    long long start = now(CLOCK_MONOTONIC);
    printf("started %lld\ndate %lld\n", start, now(CLOCK_REALTIME));
    struct timespec hour = {3600, 0};
    nanosleep(&hour, NULL);
    printf("slept %lld\n", (now(CLOCK_MONOTONIC) - start) / 1000000000LL);
    getentropy(random, sizeof random);
    printf("random ");
    for (int i = 0; i < 16; i++) printf("%02x", random[i]);
    printf("\n");
    return 0;
}
