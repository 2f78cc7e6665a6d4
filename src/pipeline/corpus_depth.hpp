#pragma once

#include <string>
#include <string_view>

#include "lineage/lineage.hpp"

namespace elves::pipeline {

/// Whether --corpus names the folder of one organisation where the folder of the whole hub was meant. Then the ids of
/// models lack their organisation, and the bases that models name are not found.
class CorpusDepth {
 public:
  explicit CorpusDepth(std::string corpus);

  /// `reference`: the id that a model gives for its base. True where it is "ORGANISATION/NAME" with the name of the
  /// corpus folder as organisation, and the corpus has a folder NAME.
  bool is_too_deep_for(std::string_view reference) const;

  /// True where a folder beside the corpus looks like one of an organisation: it has a folder that holds a model. Lists
  /// at most 40 folders. For corpora whose models lie in folders of the first level.
  bool lies_among_organisations() const;

  /// The note of the report. It belongs to no model.
  lineage::ModelNote note() const;

 private:
  std::string corpus_;  ///< canonical
  std::string name_;    ///< of the corpus folder
};

}  // namespace elves::pipeline
