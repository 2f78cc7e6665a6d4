#include "lineage/model_config.hpp"

#include <cstddef>
#include <nlohmann/json.hpp>
#include <utility>

#include "lineage/front_matter.hpp"

namespace elves::lineage {
namespace {

using Json = nlohmann::json;

/// Receives the JSON event by event and keeps the two texts.
class ConfigReader final : public nlohmann::json_sax<Json> {
 public:
  std::vector<std::string> bases() const {
    std::vector<std::string> names;
    for (const auto* name : {&base_, &name_}) {
      if (!name->empty() && name->size() <= kLongestBaseName) names.push_back(*name);
    }
    return names;
  }

  bool null() override { return scalar(); }
  bool boolean(bool /*value*/) override { return scalar(); }
  bool number_integer(number_integer_t /*value*/) override { return scalar(); }
  bool number_unsigned(number_unsigned_t /*value*/) override { return scalar(); }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return scalar(); }
  bool binary(binary_t& /*value*/) override { return scalar(); }
  bool string(string_t& value) override {
    if (depth_ == 1 && field_ != nullptr) *field_ = std::move(value);
    return depth_ > 0;
  }

  bool start_object(std::size_t /*n*/) override { return enter(); }
  bool start_array(std::size_t /*n*/) override { return depth_ > 0 && enter(); }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }
  bool key(string_t& text) override {
    if (depth_ != 1) return true;
    field_ = text == "base_model_name_or_path" ? &base_ : text == "_name_or_path" ? &name_ : nullptr;
    if (field_ != nullptr) field_->clear();
    return true;
  }

  bool parse_error(std::size_t /*at*/, const std::string& /*token*/, const Json::exception& /*error*/) override {
    return false;
  }

 private:
  bool scalar() const { return depth_ > 0; }
  bool enter() {
    ++depth_;
    return true;
  }
  bool leave() {
    --depth_;
    return true;
  }

  std::size_t depth_ = 0;
  std::string* field_ = nullptr;  ///< of the key read last in the outermost object
  std::string base_, name_;
};

}  // namespace

std::vector<std::string> bases_in_config(std::string_view json) {
  ConfigReader reader;
  if (!Json::sax_parse(json, &reader)) return {};
  return reader.bases();
}

}  // namespace elves::lineage
