"""Small programs in WebAssembly's text form."""

IMPORTS = {
    "fd_write": "(param i32 i32 i32 i32) (result i32)",
    "path_open": "(param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)",
    "fd_allocate": "(param i32 i64 i64) (result i32)",
    "random_get": "(param i32 i32) (result i32)",
    "proc_exit": "(param i32)",
    "poll_oneoff": "(param i32 i32 i32 i32) (result i32)",
    "clock_time_get": "(param i32 i64 i32) (result i32)",
}


def program(body, *, imports=(), memory="1", more=""):
    """Return a module whose `_start` is `body`."""
    lines = "".join(
        f'(import "wasi_snapshot_preview1" "{name}" (func ${name} {IMPORTS[name]}))'
        for name in imports
    )
    return (
        f'(module {lines} (memory (export "memory") {memory}) {more}'
        f'(func $start (export "_start") {body}))'
    )


FOREVER = program("(loop (br 0))")
RECURSION = program("", more="(func $deep (call $deep) (call $deep))").replace(
    '"_start") ', '"_start") (call $deep)'
)
HELLO = program(
    "(drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 20)))",
    imports=["fd_write"],
    more=r'(data (i32.const 0) "\08\00\00\00\06\00\00\00hello\0a")',
)
LOG_FLOOD = HELLO.replace("(drop", "(loop (drop").replace("20)))", "20))) (br 0))")
OPEN_OUT = """(drop (call $path_open (i32.const 4) (i32.const 0) (i32.const 16) (i32.const 1)
    (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 32)))"""
NAME_A = '(data (i32.const 16) "a")'
FILE_FLOOD = program(
    OPEN_OUT + "(drop (call $fd_allocate (i32.const 5) (i64.const 0) (i64.const 0x40000000)))",
    imports=["path_open", "fd_allocate"],
    more=NAME_A,
)
NAME_FLOOD = program(
    f"(loop {OPEN_OUT} (i32.store8 (i32.const 16)"
    " (i32.add (i32.load8_u (i32.const 16)) (i32.const 1))) (br 0))",
    imports=["path_open"],
    more=NAME_A,
)
MEMORY_BOMB = program(
    "(loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))"
    "(i32.store (i32.const 100) (memory.size)) (unreachable)"
)
