#pragma once

#include <hdf5.h>

#include <string>
#include <utility>

#include "elves/error.hpp"

namespace elves::h5 {

/// An owned HDF5 identifier. The closer is the library's own function for its kind.
template <herr_t (*Closer)(hid_t)>
class Handle {
 public:
  Handle() = default;
  explicit Handle(hid_t id) noexcept : id_(id) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    return *this;
  }
  ~Handle() {
    if (id_ >= 0) Closer(id_);
  }
  hid_t get() const noexcept { return id_; }
  explicit operator bool() const noexcept { return id_ >= 0; }

 private:
  hid_t id_ = H5I_INVALID_HID;
};

using Dataset = Handle<H5Dclose>;
using Space = Handle<H5Sclose>;
using Type = Handle<H5Tclose>;
using PropertyList = Handle<H5Pclose>;
using Attribute = Handle<H5Aclose>;

/// An Error of the failed call, with the innermost message of HDF5's error stack. Clears the stack.
Error failed(const std::string& call);

}  // namespace elves::h5
