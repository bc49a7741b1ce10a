// The types of VK_EXT_layer_settings for Vulkan headers older than 1.3.261, such as Debian 12's.
//
// llama.cpp names them where it creates its instance, and uses them only with validation layers,
// which Snug never turns on. Where the system's headers have them, this file declares nothing.
// It can go when Debian 12 is no longer supported. Layout: the Vulkan specification,
// VkLayerSettingEXT and VkLayerSettingsCreateInfoEXT.
#pragma once

#include <vulkan/vulkan_core.h>

#ifndef VK_EXT_layer_settings

#include <cstdint>
#include <vector>

namespace vk {

enum class LayerSettingTypeEXT : int32_t { eBool32 = 0 };

struct LayerSettingEXT {
    const char * pLayerName;
    const char * pSettingName;
    LayerSettingTypeEXT type;
    uint32_t valueCount;
    const void * pValues;
};

struct LayerSettingsCreateInfoEXT {
    explicit LayerSettingsCreateInfoEXT(const std::vector<LayerSettingEXT> & settings)
        : settingCount(static_cast<uint32_t>(settings.size())), pSettings(settings.data()) {}

    VkStructureType sType = static_cast<VkStructureType>(1000496000);
    const void * pNext = nullptr;
    uint32_t settingCount;
    const LayerSettingEXT * pSettings;
};

}  // namespace vk

#endif
