/* Walks through the C library's file calls; prints a line for each thing it finds wrong. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECK(what) \
    do { if (!(what)) printf("line %d: %s (errno %d)\n", __LINE__, #what, errno); } while (0)

static void write_text(const char *path, const char *mode, const char *text) {
    FILE *file = fopen(path, mode);
    CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static int holds(const char *path, const char *text) {
    char buffer[4096] = {0};
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    fread(buffer, 1, sizeof buffer - 1, file);
    fclose(file);
    return strcmp(buffer, text) == 0;
}

static void inputs(void) {
    char buffer[8] = {0};
    int fd = open("/in/deep/data.txt", O_RDONLY);
    CHECK(fd >= 0 && read(fd, buffer, 3) == 3 && strcmp(buffer, "abc") == 0);
    CHECK(pread(fd, buffer, 3, 2) == 3 && memcmp(buffer, "cde", 3) == 0);
    CHECK(lseek(fd, -2, SEEK_END) == 4 && read(fd, buffer, 8) == 2 && read(fd, buffer, 8) == 0);
    CHECK(lseek(fd, -9, SEEK_SET) == -1 && errno == EINVAL);
    CHECK(write(fd, "x", 1) == -1 && errno == EBADF);
    CHECK(close(fd) == 0 && close(fd) == -1 && errno == EBADF);
    CHECK(open("/in/deep/data.txt", O_RDWR) == -1 && errno == EROFS);
    CHECK(open("/in/new", O_CREAT | O_WRONLY, 0644) == -1 && errno == EROFS);
    CHECK(unlink("/in/deep/data.txt") == -1 && errno == EROFS);
    CHECK(rename("/in/deep/data.txt", "/out/x") == -1 && errno == EROFS);
    CHECK(mkdir("/in/folder", 0755) == -1 && errno == EROFS);
    CHECK(open("/in/deep/data.txt/", O_RDONLY) == -1 && errno == ENOTDIR);
    CHECK(open("/in/deep/none", O_RDONLY) == -1 && errno == ENOENT);
}

static void nothing_else(void) {
    CHECK(open("/etc/passwd", O_RDONLY) == -1);
    CHECK(open("/in/../../etc/passwd", O_RDONLY) == -1);
    CHECK(open("/out/../in/deep/data.txt", O_RDONLY) == -1);
    CHECK(opendir("/") == NULL);
    CHECK(symlink("a", "/out/link") == -1 && link("/out/a", "/out/b") == -1);
}

static void stats(void) {
    struct stat info;
    CHECK(stat("/in/deep/data.txt", &info) == 0 && S_ISREG(info.st_mode) && info.st_size == 6);
    CHECK(info.st_mtim.tv_sec == 0 && info.st_ino == 1 && info.st_dev == 0 && info.st_nlink == 1);
    CHECK(stat("/in/deep", &info) == 0 && S_ISDIR(info.st_mode));
    CHECK(!isatty(1) && lseek(1, 0, SEEK_CUR) == -1 && errno == ESPIPE);
    CHECK(getchar() == EOF);
}

static void outputs(void) {
    write_text("/out/a.txt", "w", "hello");
    write_text("/out/a.txt", "a", " there");
    CHECK(holds("/out/a.txt", "hello there"));
    CHECK(open("/out/a.txt", O_CREAT | O_EXCL | O_WRONLY, 0644) == -1 && errno == EEXIST);
    CHECK(truncate("/out/a.txt", 5) == 0 && holds("/out/a.txt", "hello"));
    int fd = open("/out/sparse", O_CREAT | O_RDWR, 0644);
    CHECK(pwrite(fd, "end", 3, 4) == 3 && lseek(fd, 0, SEEK_END) == 7);
    CHECK(ftruncate(fd, 9) == 0 && fsync(fd) == 0 && close(fd) == 0);
    CHECK(mkdir("/out/sub", 0755) == 0 && mkdir("/out/sub", 0755) == -1 && errno == EEXIST);
    write_text("/out/sub/b.txt", "w", "moved");
    CHECK(rename("/out/sub/b.txt", "/out/c.txt") == 0 && holds("/out/c.txt", "moved"));
    CHECK(rename("/out/c.txt", "/out/a.txt") == 0 && holds("/out/a.txt", "moved"));
    CHECK(rmdir("/out/sub") == 0 && rmdir("/out/sub") == -1 && errno == ENOENT);
    CHECK(mkdir("/out/full", 0755) == 0);
    write_text("/out/full/kept", "w", "k");
    CHECK(rmdir("/out/full") == -1 && errno == ENOTEMPTY);
    CHECK(open("/out/.hidden", O_CREAT | O_WRONLY, 0644) == -1 && errno == EINVAL);
    CHECK(unlink("/out/full") == -1 && errno == EISDIR);
}

static void unlinked(void) {
    char buffer[4] = {0};
    int fd = open("/out/gone", O_CREAT | O_RDWR, 0644);
    CHECK(write(fd, "abc", 3) == 3 && unlink("/out/gone") == 0);
    CHECK(access("/out/gone", F_OK) == -1);
    CHECK(pread(fd, buffer, 3, 0) == 3 && strcmp(buffer, "abc") == 0 && close(fd) == 0);
}

static void list(const char *path) {
    DIR *folder = opendir(path);
    struct dirent *entry;
    CHECK(folder);
    printf("%s:", path);
    while (folder && (entry = readdir(folder)))
        if (entry->d_name[0] != '.') printf(" %s%s", entry->d_name, entry->d_type == DT_DIR ? "/" : "");
    printf("\n");
    if (folder) closedir(folder);
}

static void large(void) {
    static char block[3 << 20];
    for (size_t i = 0; i < sizeof block; i++) block[i] = (char)(i * 7 >> 3);
    FILE *file = fopen("/out/large", "wb");
    CHECK(file && fwrite(block, 1, sizeof block, file) == sizeof block && fclose(file) == 0);
    static char again[sizeof block];
    file = fopen("/out/large", "rb");
    CHECK(file && fread(again, 1, sizeof again, file) == sizeof again && fclose(file) == 0);
    CHECK(memcmp(block, again, sizeof block) == 0 && unlink("/out/large") == 0);
}

int main(void) {
    inputs();
    nothing_else();
    stats();
    outputs();
    unlinked();
    large();
    list("/in");
    list("/in/many");
    list("/out");
    fprintf(stderr, "to stderr");
    return 0;
}
