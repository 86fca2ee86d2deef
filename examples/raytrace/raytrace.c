/* Renders one tile of a scene of spheres over a chequered plane.
 *
 *   raytrace INDEX COLUMNS ROWS WIDTH HEIGHT
 *
 * reads /in/scene.txt and writes /out/tile.ppm: tile INDEX, counted by rows, of an image of
 * WIDTH x HEIGHT pixels cut into COLUMNS x ROWS tiles. Light bounces, shadows are soft at the
 * edges of pixels (a grid of samples each), and the further a thing is the more sky it takes on.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef ROOT
#define ROOT ""
#endif

#define MAX_SPHERES 64
#define MAX_LIGHTS 8
#define MAX_BOUNCES 5
#define SAMPLES 3 /* a side: 9 rays a pixel */
#define FAR 1000.0 /* nothing is seen beyond, so that fixed-point squares fit 64 bits */
#define FIXED_BITS 18
#define FIXED_ONE (1 << FIXED_BITS)
#define SLACK 0.001
#define NEAR 1e-6

typedef struct { double x, y, z; } Vec;

typedef struct { Vec color; double mirror, shine; } Surface;
typedef struct { Vec center; double radius; Surface surface; } Sphere;
typedef struct { int64_t x, y, z; } Fixed;
typedef struct { Fixed center; int64_t reach_square; } Bound;
typedef struct { Vec position, color; } Light;
typedef struct { Vec origin, direction; } Ray;
typedef struct { double distance; Vec point, normal; const Surface *surface; } Hit;

typedef struct {
    Vec eye, target;
    double view; /* degrees from the top to the bottom of the image */
    Vec horizon, zenith;
    double haze;
    Surface light_square, dark_square; /* the plane y = 0 */
    Sphere spheres[MAX_SPHERES];
    Bound bounds[MAX_SPHERES];
    Light lights[MAX_LIGHTS];
    int sphere_count, light_count;
} Scene;

static Vec vec(double x, double y, double z) { return (Vec){x, y, z}; }
static Vec add(Vec a, Vec b) { return vec(a.x + b.x, a.y + b.y, a.z + b.z); }
static Vec sub(Vec a, Vec b) { return vec(a.x - b.x, a.y - b.y, a.z - b.z); }
static Vec scale(Vec a, double k) { return vec(a.x * k, a.y * k, a.z * k); }
static Vec mul(Vec a, Vec b) { return vec(a.x * b.x, a.y * b.y, a.z * b.z); }
static double dot(Vec a, Vec b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
static Vec cross(Vec a, Vec b) {
    return vec(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x);
}
static Vec unit(Vec a) { return scale(a, 1.0 / sqrt(dot(a, a))); }
static Vec mix(Vec a, Vec b, double t) { return add(scale(a, 1.0 - t), scale(b, t)); }
static double power(double base, double exponent) {
    double result = 1.0;
    for (int left = (int)exponent; left; left >>= 1, base *= base)
        if (left & 1) result *= base;
    return result;
}
static Vec reflect(Vec d, Vec n) { return sub(d, scale(n, 2.0 * dot(d, n))); }

static void fail(const char *message) {
    fprintf(stderr, "raytrace: %s\n", message);
    exit(1);
}

/* Rays start outside of every sphere. */
static inline double sphere_distance(const Sphere *sphere, Ray ray) {
    Vec to_center = sub(sphere->center, ray.origin);
    double along = dot(to_center, ray.direction);
    if (along <= 0.0) return FAR;
    double square = sphere->radius * sphere->radius - dot(to_center, to_center) + along * along;
    return square < 0.0 ? FAR : along - sqrt(square);
}

/* Most spheres are missed, and that is found out in integers: on this network every result of
 * floating point costs an extra step, integers are as fast as anywhere. The test is generous by
 * more than it rounds, and a sphere that passes is intersected exactly. */
static int64_t fixed(double value) { return (int64_t)(value * FIXED_ONE); }
static Fixed fixed_vec(Vec a) { return (Fixed){fixed(a.x), fixed(a.y), fixed(a.z)}; }
static int64_t fixed_dot(Fixed a, Fixed b) { return a.x * b.x + a.y * b.y + a.z * b.z; }

static inline int may_hit(const Bound *bound, Fixed origin, Fixed direction) {
    Fixed way = {bound->center.x - origin.x, bound->center.y - origin.y,
                 bound->center.z - origin.z};
    int64_t along = fixed_dot(way, direction) >> FIXED_BITS;
    int64_t square = along * along;
    return along > 0 && square + (square >> 14) + bound->reach_square > fixed_dot(way, way);
}

static double plane_distance(Ray ray) {
    if (ray.direction.y > -1e-9) return FAR;
    double distance = -ray.origin.y / ray.direction.y;
    return distance > NEAR && distance < FAR ? distance : FAR;
}

static const Surface *square_at(const Scene *scene, Vec point) {
    int odd = ((int)floor(point.x) + (int)floor(point.z)) & 1;
    return odd ? &scene->dark_square : &scene->light_square;
}

static int trace(const Scene *scene, Ray ray, Hit *hit) {
    const Sphere *nearest = NULL;
    hit->distance = plane_distance(ray);
    Fixed origin = fixed_vec(ray.origin), direction = fixed_vec(ray.direction);
    for (int i = 0; i < scene->sphere_count; i++) {
        if (!may_hit(&scene->bounds[i], origin, direction)) continue;
        double distance = sphere_distance(&scene->spheres[i], ray);
        if (distance < hit->distance) {
            hit->distance = distance;
            nearest = &scene->spheres[i];
        }
    }
    if (hit->distance >= FAR) return 0;
    hit->point = add(ray.origin, scale(ray.direction, hit->distance));
    if (nearest) {
        hit->normal = scale(sub(hit->point, nearest->center), 1.0 / nearest->radius);
        hit->surface = &nearest->surface;
    } else {
        hit->normal = vec(0, 1, 0);
        hit->surface = square_at(scene, hit->point);
    }
    return 1;
}

static int in_shadow(const Scene *scene, Ray ray, double distance) {
    Fixed origin = fixed_vec(ray.origin), direction = fixed_vec(ray.direction);
    for (int i = 0; i < scene->sphere_count; i++)
        if (may_hit(&scene->bounds[i], origin, direction) &&
            sphere_distance(&scene->spheres[i], ray) < distance)
            return 1;
    return 0;
}

static Vec sky(const Scene *scene, Vec direction) {
    double height = direction.y > 0.0 ? sqrt(direction.y) : 0.0;
    return mix(scene->horizon, scene->zenith, height);
}

static Vec lit(const Scene *scene, Ray ray, const Hit *hit) {
    Vec total = scale(mul(hit->surface->color, scene->zenith), 0.30);
    Vec start = add(hit->point, scale(hit->normal, 1e-4));
    for (int i = 0; i < scene->light_count; i++) {
        const Light *light = &scene->lights[i];
        Vec way = sub(light->position, start);
        double distance = sqrt(dot(way, way));
        Vec toward = scale(way, 1.0 / distance);
        double facing = dot(toward, hit->normal);
        if (facing <= 0.0 || in_shadow(scene, (Ray){start, toward}, distance)) continue;
        total = add(total, scale(mul(hit->surface->color, light->color), facing));
        double glint = dot(reflect(ray.direction, hit->normal), toward);
        if (glint > 0.0) total = add(total, scale(light->color, power(glint, hit->surface->shine)));
    }
    return total;
}

static Vec color_along(const Scene *scene, Ray ray) {
    Vec total = vec(0, 0, 0);
    double weight = 1.0;
    for (int bounce = 0; bounce <= MAX_BOUNCES && weight > 0.01; bounce++) {
        Hit hit;
        if (!trace(scene, ray, &hit)) return add(total, scale(sky(scene, ray.direction), weight));
        double clear = 1.0 / (1.0 + scene->haze * hit.distance);
        total = add(total, scale(sky(scene, ray.direction), weight * (1.0 - clear)));
        weight *= clear;
        double mirror = hit.surface->mirror;
        total = add(total, scale(lit(scene, ray, &hit), weight * (1.0 - mirror)));
        weight *= mirror;
        ray.direction = reflect(ray.direction, hit.normal);
        ray.origin = add(hit.point, scale(hit.normal, 1e-4));
    }
    return total;
}

static int read_numbers(const char *text, double *numbers, int count) {
    for (int i = 0; i < count; i++) {
        char *end;
        numbers[i] = strtod(text, &end);
        if (end == text) return 0;
        text = end;
    }
    return 1;
}

static Surface surface_of(const double *n) {
    return (Surface){vec(n[0], n[1], n[2]), n[3], n[4]};
}

static void read_line(Scene *scene, const char *word, const char *rest) {
    double n[10];
    int good = 0;
    if (!strcmp(word, "camera") && (good = read_numbers(rest, n, 7))) {
        scene->eye = vec(n[0], n[1], n[2]);
        scene->target = vec(n[3], n[4], n[5]);
        scene->view = n[6];
    } else if (!strcmp(word, "sky") && (good = read_numbers(rest, n, 7))) {
        scene->horizon = vec(n[0], n[1], n[2]);
        scene->zenith = vec(n[3], n[4], n[5]);
        scene->haze = n[6];
    } else if (!strcmp(word, "floor") && (good = read_numbers(rest, n, 8))) {
        double dark[5] = {n[3], n[4], n[5], n[6], n[7]};
        double light[5] = {n[0], n[1], n[2], n[6], n[7]};
        scene->light_square = surface_of(light);
        scene->dark_square = surface_of(dark);
    } else if (!strcmp(word, "light") && (good = read_numbers(rest, n, 6))) {
        if (scene->light_count == MAX_LIGHTS) fail("too many lights");
        scene->lights[scene->light_count++] = (Light){vec(n[0], n[1], n[2]), vec(n[3], n[4], n[5])};
    } else if (!strcmp(word, "sphere") && (good = read_numbers(rest, n, 9))) {
        if (scene->sphere_count == MAX_SPHERES) fail("too many spheres");
        int64_t reach = fixed(n[3] + SLACK);
        scene->bounds[scene->sphere_count] =
            (Bound){fixed_vec(vec(n[0], n[1], n[2])), reach * reach};
        scene->spheres[scene->sphere_count++] =
            (Sphere){vec(n[0], n[1], n[2]), n[3], surface_of(n + 4)};
    }
    if (!good) fail("scene.txt has a line that is not understood");
}

static void read_scene(Scene *scene) {
    char line[512], word[16];
    FILE *file = fopen(ROOT "/in/scene.txt", "r");
    if (!file) fail("cannot read /in/scene.txt");
    while (fgets(line, sizeof line, file)) {
        int length = 0;
        if (line[0] == '#' || sscanf(line, "%15s%n", word, &length) != 1) continue;
        read_line(scene, word, line + length);
    }
    fclose(file);
}

static unsigned char to_byte(double light) {
    double curved = sqrt(light / (1.0 + 0.25 * light)); /* soft highlights, gamma 2 */
    return curved >= 1.0 ? 255 : (unsigned char)(curved * 255.0 + 0.5);
}

static Vec pixel(const Scene *scene, int x, int y, int width, int height) {
    Vec forward = unit(sub(scene->target, scene->eye));
    Vec right = unit(cross(vec(0, 1, 0), forward));
    Vec up = cross(forward, right);
    double half = tan(scene->view * 0.00872664625997164788);
    Vec total = vec(0, 0, 0);
    for (int i = 0; i < SAMPLES * SAMPLES; i++) {
        double sx = x + (i % SAMPLES + 0.5) / SAMPLES, sy = y + (i / SAMPLES + 0.5) / SAMPLES;
        double across = (2.0 * sx - width) / height * half, above = (1.0 - 2.0 * sy / height) * half;
        Vec direction = add(forward, add(scale(right, across), scale(up, above)));
        total = add(total, color_along(scene, (Ray){scene->eye, unit(direction)}));
    }
    return scale(total, 1.0 / (SAMPLES * SAMPLES));
}

int main(int argc, char **argv) {
    static Scene scene;
    if (argc != 6) fail("usage: raytrace INDEX COLUMNS ROWS WIDTH HEIGHT");
    int index = atoi(argv[1]), columns = atoi(argv[2]), rows = atoi(argv[3]);
    int width = atoi(argv[4]), height = atoi(argv[5]);
    if (columns < 1 || rows < 1 || index < 0 || index >= columns * rows) fail("no such tile");
    if (width < columns || height < rows || width > 16384 || height > 16384) fail("bad image size");
    read_scene(&scene);

    int column = index % columns, row = index / columns;
    int left = width * column / columns, right = width * (column + 1) / columns;
    int top = height * row / rows, bottom = height * (row + 1) / rows;
    FILE *file = fopen(ROOT "/out/tile.ppm", "wb");
    if (!file) fail("cannot write /out/tile.ppm");
    fprintf(file, "P6\n%d %d\n255\n", right - left, bottom - top);
    for (int y = top; y < bottom; y++)
        for (int x = left; x < right; x++) {
            Vec color = pixel(&scene, x, y, width, height);
            unsigned char bytes[3] = {to_byte(color.x), to_byte(color.y), to_byte(color.z)};
            fwrite(bytes, 1, 3, file);
        }
    if (fclose(file)) fail("cannot write /out/tile.ppm");
    return 0;
}
