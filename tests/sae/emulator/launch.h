// Arguments of a kernel, checked against its signature. A namespace of its own: kernels have names, too.
#pragma once
#include "failure.h"

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace emulator {

enum class Kind : uint64_t { Pointer, Unsigned, Float };

struct Argument {
    Kind kind;
    uint64_t value;
};

using Arguments = std::vector<Argument>;
using Call = std::function<void()>;

struct Kernel {
    const char *name;
    Call (*bind)(const Arguments &);
};

// All kernels of the file; the last has no name.
extern const Kernel kernels[];

inline const char *name_of(Kind kind) {
    return kind == Kind::Pointer ? "a pointer" : kind == Kind::Unsigned ? "unsigned" : "float";
}

template <class T> T unpack(const Argument &argument, size_t at) {
    static_assert(std::is_pointer<T>::value || std::is_same<T, unsigned>::value || std::is_same<T, float>::value,
                  "kernels take pointers, unsigned and float");
    Kind wanted = std::is_pointer<T>::value ? Kind::Pointer
                  : std::is_same<T, float>::value ? Kind::Float
                                                  : Kind::Unsigned;
    std::string name = "argument " + std::to_string(at + 1);
    if (argument.kind != wanted)
        throw Failure(name + " is " + name_of(argument.kind) + ", not " + name_of(wanted));
    if constexpr (std::is_pointer<T>::value)
        if (argument.value % alignof(std::remove_pointer_t<T>) != 0)
            throw Failure(name + " is not aligned");
    T out;
    std::memcpy(&out, &argument.value, sizeof out);
    return out;
}

template <class... P, size_t... I>
Call bind_each(void (*kernel)(P...), const Arguments &arguments, std::index_sequence<I...>) {
    std::tuple<P...> values{unpack<P>(arguments[I], I)...};
    return [=] { std::apply(kernel, values); };
}

template <class... P> Call bind_kernel(void (*kernel)(P...), const Arguments &arguments) {
    if (arguments.size() != sizeof...(P))
        throw Failure("it takes " + std::to_string(sizeof...(P)) + " arguments, not " +
                      std::to_string(arguments.size()));
    return bind_each(kernel, arguments, std::index_sequence_for<P...>{});
}

} // namespace emulator
