#pragma once

#include <cstdint>

/// Field numbers of caffe.proto, as far as they lead to blobs.
namespace elves::formats::caffe {

using Number = std::uint32_t;

namespace net {
inline constexpr Number kName = 1, kLayerV1 = 2, kInput = 3, kInputDim = 4, kForceBackward = 5, kState = 6,
                        kDebugInfo = 7, kInputShape = 8, kLayer = 100;
}
namespace layer {
inline constexpr Number kName = 1, kType = 2, kBottom = 3, kTop = 4, kBlobs = 7;
}
namespace layer_v1 {
inline constexpr Number kBottom = 2, kTop = 3, kName = 4, kType = 5, kBlobs = 6;
}
namespace blob {
inline constexpr Number kNum = 1, kWidth = 4, kData = 5, kDiff = 6, kShape = 7, kDoubleData = 8, kDoubleDiff = 9;
}
namespace shape {
inline constexpr Number kDim = 1;
}

}  // namespace elves::formats::caffe
