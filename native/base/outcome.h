// How a call into JavaScript ended.
#ifndef GEARTRAIN_OUTCOME_H_
#define GEARTRAIN_OUTCOME_H_

namespace geartrain {

enum class Outcome {
  kDone,
  kThrew,   // The error is reported already; nothing of this turn is sent.
  kEnding,  // JavaScript cannot run any more.
};

}  // namespace geartrain

#endif  // GEARTRAIN_OUTCOME_H_
