#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "unit/corpus/zip_builder.hpp"

namespace elves::corpus::test {

/// A tensor as torch.save writes it: a dense view of the storage `key`.
struct PickledTensor {
  std::string name;
  std::string key;
  std::vector<std::int32_t> shape;
  std::string storage_class = "FloatStorage";
};

inline void put_text(Bytes& pickle, const std::string& text) {
  put(pickle, "X");
  put(pickle, static_cast<std::uint32_t>(text.size()));
  put(pickle, text);
}
inline void put_number(Bytes& pickle, std::int32_t n) {
  put(pickle, "J");
  put(pickle, n);
}
inline void put_tuple(Bytes& pickle, const std::vector<std::int32_t>& numbers) {
  put(pickle, "(");
  for (const auto n : numbers) put_number(pickle, n);
  put(pickle, "t");
}

inline void put_tensor(Bytes& pickle, const PickledTensor& tensor) {
  std::vector<std::int32_t> strides(tensor.shape.size());
  std::int32_t n_elements = 1;
  for (auto d = tensor.shape.size(); d-- > 0; n_elements *= tensor.shape[d]) strides[d] = n_elements;
  put(pickle, "ctorch._utils\n_rebuild_tensor_v2\n((");
  put_text(pickle, "storage");
  put(pickle, "ctorch\n" + tensor.storage_class + "\n");
  put_text(pickle, tensor.key);
  put_text(pickle, "cpu");
  put_number(pickle, n_elements);
  put(pickle, "tQ");
  put_number(pickle, 0);
  put_tuple(pickle, tensor.shape);
  put_tuple(pickle, strides);
  put(pickle,
      "\x89"
      "ccollections\nOrderedDict\n)RtR");
}

/// What torch.save writes of {name: tensor, ...}.
inline Bytes state_dict_pickle(const std::vector<PickledTensor>& tensors) {
  Bytes pickle = bytes_of("\x80\x02}(");
  for (const auto& tensor : tensors) {
    put_text(pickle, tensor.name);
    put_tensor(pickle, tensor);
  }
  put(pickle, "u.");
  return pickle;
}

/// A TorchScript module whose attributes are these tensors, in a child module "encoder".
inline Bytes script_module_pickle(const std::vector<PickledTensor>& tensors) {
  Bytes pickle = bytes_of(
      "\x80\x02"
      "c__torch__\nNet\n)\x81}(");
  put_text(pickle, "training");
  put(pickle, "\x89");
  put_text(pickle, "encoder");
  put(pickle, "c__torch__.nn\nEncoder\n)\x81}(");
  for (const auto& tensor : tensors) {
    put_text(pickle, tensor.name);
    put_tensor(pickle, tensor);
  }
  put(pickle, "ubub.");
  return pickle;
}

/// The tuple that TorchScript keeps its constants in.
inline Bytes constants_pickle(const std::vector<PickledTensor>& tensors) {
  Bytes pickle = bytes_of("\x80\x02(");
  for (const auto& tensor : tensors) put_tensor(pickle, tensor);
  put(pickle, "t.");
  return pickle;
}

}  // namespace elves::corpus::test
