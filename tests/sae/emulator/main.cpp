// A machine that answers on a pipe. Requests: an operation and its numbers, 8 bytes each; replies: a
// status, a length, and so many bytes (a message where the status says that it failed).
#include "block.h"
#include "failure.h"
#include "launch.h"
#include "memory.h"
#include "product.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unistd.h>
#include <vector>

using namespace emulator;

namespace {

enum Operation : uint64_t { Allocate = 1, Release, Clear, Upload, Download, Launch, Multiply };
enum Status : uint64_t { Done, Failed, NoRoom };

// Seconds after which a kernel is taken for one that never ends.
const unsigned PATIENCE = 300;

Memories memories;
bool descending;
// For the message where a kernel is killed.
char running[256];

void write_all(const void *data, size_t bytes) {
    const char *from = static_cast<const char *>(data);
    while (bytes > 0) {
        ssize_t written = write(STDOUT_FILENO, from, bytes);
        if (written <= 0)
            _exit(1);
        from += written;
        bytes -= static_cast<size_t>(written);
    }
}

void reply(Status status, const void *data = nullptr, size_t bytes = 0) {
    uint64_t head[2] = {status, bytes};
    write_all(head, sizeof head);
    write_all(data, bytes);
}

void read_all(void *to, size_t bytes) {
    if (bytes > 0 && std::fread(to, 1, bytes, stdin) != bytes)
        std::exit(0);
}

uint64_t number() {
    uint64_t out;
    read_all(&out, sizeof out);
    return out;
}

// A kernel touched what it must not, or does not end: it cannot go on, but it can say so.
void killed(int signal) {
    const char *why = signal == SIGALRM  ? "does not end"
                      : signal == SIGILL ? "indexes past an array, or shifts by too much"
                      : signal == SIGFPE ? "divides by zero"
                                         : "touches memory outside of its arguments";
    char message[512];
    int length = std::snprintf(message, sizeof message, "kernel %s %s: block (%u, %u), thread %u", running, why,
                               blockIdx.x, blockIdx.y, threadIdx.x);
    reply(Failed, message, static_cast<size_t>(length));
    _exit(1);
}

void catch_signals() {
    static char stack[64 << 10];
    stack_t other = {};
    other.ss_sp = stack;
    other.ss_size = sizeof stack;
    sigaltstack(&other, nullptr);
    struct sigaction action = {};
    action.sa_handler = killed;
    action.sa_flags = SA_ONSTACK;
    for (int signal : {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGALRM})
        sigaction(signal, &action, nullptr);
}

// The whole request is read before anything can fail.
void launch() {
    std::string name(number(), ' ');
    read_all(&name[0], name.size());
    uint64_t columns = number(), rows = number(), threads = number(), count = number();
    std::vector<uint64_t> words(count * 3);
    read_all(words.data(), words.size() * sizeof words[0]);
    std::snprintf(running, sizeof running, "%s", name.c_str());
    try {
        Arguments arguments;
        for (uint64_t i = 0; i < count; i++) {
            Argument argument = {static_cast<Kind>(words[3 * i]), words[3 * i + 1]};
            if (argument.kind == Kind::Pointer && argument.value > 0)
                argument.value = reinterpret_cast<uint64_t>(memories.at(argument.value, words[3 * i + 2], 0));
            arguments.push_back(argument);
        }
        if (columns == 0 || rows == 0 || threads == 0)
            throw Failure("it has no thread");
        if (columns >= 1ull << 31 || rows > 65535 || threads > MOST_THREADS)
            throw Failure("a grid of " + std::to_string(columns) + " x " + std::to_string(rows) + " blocks of " +
                          std::to_string(threads) + " threads is too large");
        const Kernel *kernel = kernels;
        while (kernel->name && name != kernel->name)
            kernel++;
        if (!kernel->name)
            throw Failure("there is none of that name");
        Call call = kernel->bind(arguments);
        alarm(PATIENCE);
        run(static_cast<unsigned>(columns), static_cast<unsigned>(rows), static_cast<unsigned>(threads), descending,
            call);
        alarm(0);
        memories.check();
    } catch (const Failure &failure) {
        alarm(0);
        throw Failure("kernel " + name + ": " + failure.what());
    }
}

struct Wire {
    uint64_t id, from, stride, turned;
};

// The caller checked that all of them lie within their memories.
void product() {
    uint64_t half = number(), rows = number(), columns = number(), inner = number();
    Wire a, b, c;
    read_all(&a, sizeof a);
    read_all(&b, sizeof b);
    read_all(&c, sizeof c);
    uint64_t bytes = half ? 2 : 4;
    Factor left = {memories.at(a.id, a.from * bytes, 0), a.stride, a.turned != 0};
    Factor right = {memories.at(b.id, b.from * bytes, 0), b.stride, b.turned != 0};
    float *out = reinterpret_cast<float *>(memories.at(c.id, c.from * sizeof(float), 0));
    multiply(half != 0, left, right, out, c.stride, rows, columns, inner);
}

void answer(uint64_t operation) {
    if (operation == Allocate) {
        uint64_t id = memories.allocate(number());
        return id == 0 ? reply(NoRoom) : reply(Done, &id, sizeof id);
    }
    if (operation == Upload) {
        uint64_t id = number(), from = number();
        std::vector<char> data(number());
        read_all(data.data(), data.size());
        std::memcpy(memories.at(id, from, data.size()), data.data(), data.size());
    } else if (operation == Download) {
        uint64_t id = number(), from = number(), bytes = number();
        return reply(Done, memories.at(id, from, bytes), bytes);
    } else if (operation == Release) {
        memories.release(number());
    } else if (operation == Clear) {
        memories.clear(number());
    } else if (operation == Launch) {
        launch();
    } else if (operation == Multiply) {
        product();
    } else {
        throw Failure("there is no such operation");
    }
    reply(Done);
}

} // namespace

int main(int count, char **arguments) {
    descending = count > 1 && std::strcmp(arguments[1], "descending") == 0;
    catch_signals();
    for (;;) {
        uint64_t operation = number();
        try {
            answer(operation);
        } catch (const std::exception &failure) {
            reply(Failed, failure.what(), std::strlen(failure.what()));
        }
    }
}
